/** One text in one file of the built product, and what the mistake has there instead. */
export interface Edit {
  /** From the root of the build. */
  readonly file: string
  /** Occurs exactly once. */
  readonly from: string
  readonly to: string
}

/** A mistake that somebody could make in the product. */
export interface PlantedBug {
  /** What the product does wrong. */
  readonly name: string
  readonly edits: readonly Edit[]
  /** The laws of the design that it breaks: one of these must be what stops the simulation. */
  readonly breaks: readonly string[]
  /** Caught by one of the seeds 1, 2, … of the scenario, up to this one. */
  readonly within: number
  /** `mix` unless it says otherwise. */
  readonly scenario?: string
}

export const PLANTED_BUGS: readonly PlantedBug[] = [
  {
    name: 'the pool answers before its status is written',
    edits: [
      {
        file: 'actors/pool/settle.js',
        from: 'effects: [...answers, ...kept.map(({ answer }) => answer)],',
        to: 'effects: (effects.push(...answers), []),',
      },
    ],
    breaks: ['commit before reply'],
    within: 40,
  },
  {
    name: 'the pool takes a failed write for one that was done',
    edits: [
      {
        file: 'actors/pool/commit.js',
        from: 'return { ...next, pending: [...inFlight.requests, ...next.pending] };',
        to: 'effects.push(...inFlight.effects);\n    return next;',
      },
    ],
    breaks: ['commit before reply'],
    within: 90,
    scenario: 'api-trouble',
  },
  {
    name: 'a release is believed without a look at who asks for the address',
    edits: [
      {
        file: 'actors/pool/decide.js',
        from: 'return checkRelease(state, check, effects);',
        to: 'return enqueue(state, { ...check, token, clientMayRun: true }, effects);',
      },
    ],
    breaks: ['keeps its address', 'who asks is given'],
    within: 80,
    scenario: 'mac-collision',
  },
  {
    name: 'excluded addresses are forgotten',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'excluded: [...configuration.excluded, ...reservedAddresses(configuration)],',
        to: 'excluded: reservedAddresses(configuration),',
      },
    ],
    breaks: ['used + available = capacity', 'only what is offered'],
    within: 60,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'an agent keeps the leases that a new snapshot has no more',
    edits: [
      {
        file: 'actors/agent/lease-table.js',
        from: 'for (const mac of previous.addresses.keys())\n        if (!table.addresses.has(mac))\n            revoke(table, mac);',
        to: 'for (const [mac, address] of previous.addresses)\n        if (!table.addresses.has(mac))\n            bind(table, address, mac);',
      },
    ],
    breaks: ['revoked is not served', 'commit before reply'],
    within: 40,
  },
  {
    name: 'status is written whatever was written since it was read',
    edits: [
      {
        file: 'actors/pool/settle.js',
        from: 'patch: { metadata: { resourceVersion }, status: change.patch }',
        to: 'patch: { status: change.patch }',
      },
    ],
    breaks: ['a change has a revision', 'one holder', 'keeps its address', 'addresses rest'],
    within: 60,
    scenario: 'split-brain',
  },
  {
    name: 'an address that was given back does not rest',
    edits: [
      {
        file: 'actors/pool/batch.js',
        from: 'const rest = pending.clientMayRun || wasForgotten(state, mac, now);',
        to: 'const rest = false;',
      },
    ],
    breaks: ['addresses rest', 'one holder'],
    within: 60,
    scenario: 'scarce-addresses',
  },
  {
    name: 'an instance that outlives its VM is taken for none',
    edits: [
      {
        file: 'actors/pool/demand.js',
        from: 'return instance !== undefined || machine?.metadata.uid === vm.uid;',
        to: 'return machine?.metadata.uid === vm.uid;',
      },
    ],
    breaks: ['one holder', 'addresses rest'],
    within: 60,
    scenario: 'stubborn-guests',
  },
  {
    name: 'rests are forgotten when a pool is read again',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'for (const entry of restsOf(pool))',
        to: 'for (const entry of [])',
      },
    ],
    breaks: ['addresses rest', 'one holder'],
    within: 120,
    scenario: 'scarce-addresses',
  },
  {
    name: 'a rest ends by the lease time of now, although longer leases were given before',
    edits: [
      {
        file: 'actors/pool/adopt.js',
        from: 'leaseSeconds < earlier ? later(now, seconds(earlier)) : now',
        to: 'now',
      },
    ],
    breaks: ['one holder'],
    within: 120,
    scenario: 'scarce-addresses',
  },
  {
    name: 'an address is given as the client remembers it, whoever holds it now',
    edits: [
      {
        file: 'src/ipam/range-allocator.js',
        from: 'hint !== undefined && this.#isFree(hint)',
        to: 'hint !== undefined && this.#isLeasable(hint)',
      },
    ],
    breaks: ['one holder', 'used + available = capacity', 'keeps its address', 'commit before reply'],
    within: 120,
  },
  {
    name: 'addresses that lie outside the range since an edit count as used',
    edits: [
      {
        file: 'src/ipam/range-allocator.js',
        from: 'if (this.#isLeasable(address))\n            this.#used += 1;',
        to: 'this.#used += 1;',
      },
    ],
    breaks: ['used + available = capacity'],
    within: 60,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'a change of leases has no revision of its own',
    edits: [
      {
        file: 'actors/pool/status.js',
        from: 'agentsMustLearn ? revision + 1 :',
        to: 'agentsMustLearn ? revision :',
      },
    ],
    breaks: ['a change has a revision'],
    within: 30,
  },
  {
    name: 'what a NIC held that went while its controller was dead is never given back',
    edits: [
      {
        file: 'actors/vm/follow-config.js',
        from: 'if (state.rememberedFrom !== config.metadata.uid)\n        addRemembered(nics, config, now);',
        to: '',
      },
      {
        file: 'actors/pool/chores.js',
        from: 'for (const { mac, claim } of message.orphans)',
        to: 'for (const { mac, claim } of [])',
      },
    ],
    breaks: ['no leaks'],
    within: 90,
    scenario: 'crash-points',
  },
  {
    name: 'an agent takes an API that cannot be reached for a pool that is gone',
    edits: [
      {
        file: 'actors/agent/actor.js',
        from: 'if (error instanceof NotFoundError)\n                self.tell',
        to: 'if (error)\n                self.tell',
      },
    ],
    breaks: ['the data path waits for nobody'],
    within: 40,
    scenario: 'agent-restarts',
  },
  {
    name: 'an agent serves only once it heard from the API',
    edits: [
      {
        file: 'actors/agent/decide.js',
        from: 'return state.table !== undefined && !state.table.configuration.paused;',
        to: "return state.table !== undefined && state.table.source !== 'file' && !state.table.configuration.paused;",
      },
    ],
    breaks: ['the data path waits for nobody', 'who has it is answered'],
    within: 30,
    scenario: 'control-plane-dark',
  },
  {
    name: 'an agent does not read its state file when it starts',
    edits: [
      {
        file: 'actors/agent/actor.js',
        from: 'let saved = await options.file.read();',
        to: 'let saved;\n    await options.file.read();',
      },
    ],
    breaks: ['the data path waits for nobody', 'who has it is answered'],
    within: 30,
    scenario: 'control-plane-dark',
  },
  {
    name: 'what a message holds is not checked',
    edits: [
      { file: 'transports/messages/contract.js', from: 'if (!decoded.success)', to: 'if (false)' },
      {
        file: 'transports/messages/contract.js',
        from: 'return decoded.data;',
        to: 'return decoded.success ? decoded.data : body;',
      },
    ],
    breaks: ['no crash'],
    within: 40,
    scenario: 'hostile-network',
  },
  {
    name: 'what is in a state file is believed, whatever the disk did to it',
    edits: [{ file: 'actors/agent/state-content.js', from: 'content.version === 2 &&', to: 'false &&' }],
    breaks: [
      'the data path waits for nobody',
      'commit before reply',
      'clients are told sense',
      'one holder',
      'who has it is answered',
    ],
    within: 40,
    scenario: 'agent-restarts',
  },
  {
    name: 'a watch that falls silent is waited for',
    edits: [
      {
        file: 'src/kube/list-watch-informer.js',
        from: 'this.#cancelIdle();\n        this.#cancelIdle = this.#options.clock.after',
        to: 'this.#cancelIdle();\n        (() => {})',
      },
    ],
    breaks: ['every NIC asks', 'no leaks', 'who asks is given', 'clients have what the pool says'],
    within: 120,
    scenario: 'api-trouble',
  },
  {
    name: 'a datagram that is no DHCP message crashes the agent',
    edits: [
      {
        file: 'actors/agent/answer.js',
        from: 'if (!(error instanceof MalformedPacketError))\n            throw error;',
        to: 'throw error;',
      },
    ],
    breaks: ['no crash'],
    within: 60,
    scenario: 'hostile-network',
  },
  {
    name: 'an edit that excludes an address takes it from who has it',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'if (allocator.addressOf(mac) === undefined)\n            allocator.adopt(address, mac);',
        to: 'if (allocator.isExcluded(address))\n            continue;\n        if (allocator.addressOf(mac) === undefined)\n            allocator.adopt(address, mac);',
      },
    ],
    breaks: ['who asks is given', 'keeps its address', 'the status comes true'],
    within: 60,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'a lost delta is not missed, and of two snapshots only the revision is compared',
    edits: [
      {
        file: 'actors/agent/decide.js',
        from: 'delta.previousRevision === table.snapshot.revision && delta.generation',
        to: 'delta.generation',
      },
      {
        file: 'actors/agent/decide.js',
        from: 'isDeepStrictEqual(toSnapshot(table), snapshot)',
        to: 'table.snapshot.revision === snapshot.revision && table.snapshot.generation === snapshot.generation',
      },
    ],
    breaks: [
      'revoked is not served',
      'clients have what the pool says',
      'one holder',
      'who has it is answered',
    ],
    within: 120,
  },
  {
    name: 'a release is carried out on what was seen before another controller wrote',
    edits: [
      {
        file: 'actors/pool/adopt.js',
        from: 'isChangedByOthers ? distrustLooks(state, effects) : state',
        to: 'state',
      },
    ],
    breaks: ['keeps its address'],
    within: 120,
    scenario: 'split-brain',
  },
  {
    name: 'a watch that is told 410 goes on where it broke off, without a list',
    edits: [
      {
        file: 'src/kube/list-watch-informer.js',
        from: "this.#failed(error ?? new Error('the watch was closed at once'), 'watch ended');",
        to: 'this.#options.clock.after(milliseconds(1000), () => this.#watch());',
      },
    ],
    breaks: ['every NIC asks', 'no leaks', 'nothing is stuck', 'who asks is given', 'the status comes true'],
    within: 60,
    scenario: 'api-trouble',
  },
  {
    name: 'the object of a VM is deleted without a look whether the VM is gone',
    edits: [
      {
        file: 'actors/vm/actor.js',
        from: 'if (vm?.metadata.uid === owner.uid)',
        to: 'if (false)',
      },
    ],
    breaks: ['keeps its address'],
    within: 60,
    scenario: 'api-trouble',
  },
  {
    name: 'one entry of the status that makes no sense, and none of it is believed',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'const surplus = [];',
        to: "const surplus = [];\n    if (Object.values(pool.status?.ipv4?.allocated ?? {}).includes('nonsense'))\n        return book;",
      },
    ],
    breaks: ['keeps its address'],
    within: 60,
    scenario: 'hand-edits',
  },
  {
    name: 'an address that is pinned is not looked at',
    edits: [
      {
        file: 'actors/pool/batch.js',
        from: 'const pinned = optionalAddress(request.pinnedAddress);\n    // Who asked',
        to: 'const pinned = undefined;\n    // Who asked',
      },
      {
        file: 'actors/pool/batch.js',
        from: 'const pinned = optionalAddress(request.pinnedAddress);\n    if (pinned === undefined) {',
        to: 'const pinned = undefined;\n    if (pinned === undefined) {',
      },
      {
        file: 'actors/vm/pursue.js',
        from: 'return isPinKept && ownerUid',
        to: 'return ownerUid',
      },
    ],
    breaks: ['a pin is given'],
    within: 60,
  },
  {
    name: 'of several who ask for one MAC nobody is given an address',
    edits: [
      {
        file: 'actors/pool/batch.js',
        from: 'if ((isDisputed || !pending.asked) && !isVerified) {',
        to: "if (pending.contested && !keeps) {\n        refuse(state, outcome, pending, { reason: 'MacInUse', message: 'several ask for it' }, now);\n        return;\n    }\n    if ((isDisputed || !pending.asked) && !isVerified) {",
      },
    ],
    breaks: ['one of twins is given'],
    within: 60,
    scenario: 'mac-collision',
  },
  {
    name: 'who has an address is not asked again when an older object takes to its MAC',
    edits: [
      {
        file: 'actors/pool/actor.js',
        from: "return options.nudge({ owners: options.demand.rivals(effect.network, effect.macs) }, 'all');",
        to: 'return;',
      },
    ],
    breaks: ['one of twins is given'],
    within: 60,
    scenario: 'mac-collision',
  },
  {
    name: 'the status stays with the spec that it was first written for',
    edits: [
      {
        file: 'actors/pool/status.js',
        from: 'observedGeneration: generation,',
        to: 'observedGeneration: current.observedGeneration ?? generation,',
      },
    ],
    breaks: ['the status is about the spec'],
    within: 60,
    scenario: 'scarce-addresses',
  },
  {
    name: 'figures that somebody wrote by hand stay',
    edits: [
      {
        file: 'actors/pool/status.js',
        from: 'if (patch === undefined)',
        to: "if (patch === undefined || (!agentsMustLearn && Object.keys(patch).join() === 'ipv4'))",
      },
    ],
    breaks: ['used + available = capacity', 'marks are right', 'rests end'],
    within: 60,
    scenario: 'hand-edits',
  },
  {
    name: 'the agent of a paused pool serves on',
    edits: [
      {
        file: 'actors/agent/decide.js',
        from: 'return state.table !== undefined && !state.table.configuration.paused;',
        to: 'return state.table !== undefined;',
      },
    ],
    breaks: ['who is paused does not serve'],
    within: 30,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'a NIC that a VM gets later is overlooked',
    edits: [
      {
        file: 'actors/vm/desired-config.js',
        from: 'if (!pools.has(networkName) && before === undefined)',
        to: 'if ((!pools.has(networkName) || config !== undefined) && before === undefined)',
      },
    ],
    breaks: ['every NIC asks'],
    within: 30,
    scenario: 'vm-churn',
  },
  {
    name: 'the object of a VM that was deleted keeps its finalizer',
    edits: [
      {
        file: 'actors/vm/follow-config.js',
        from: 'return next.nics.size === 0 ? letGo(next, config, effects) : scheduleWake(next, now, effects);',
        to: 'return scheduleWake(next, now, effects);',
      },
    ],
    breaks: ['nothing is stuck'],
    within: 30,
    scenario: 'vm-churn',
  },
  {
    name: 'the status of a VM is written once',
    edits: [
      {
        file: 'actors/vm/follow-config.js',
        from: 'const patch = isAsking ?',
        to: 'const patch = isAsking || config.status !== undefined ?',
      },
    ],
    breaks: ['the status comes true'],
    within: 30,
    scenario: 'vm-churn',
  },
  {
    name: 'who was not answered does not ask again for an hour',
    edits: [
      {
        file: 'actors/vm/answers.js',
        from: 'const { address } = nic.phase;\n    const retryAt = later(now, backoff(failures));',
        to: 'const { address } = nic.phase;\n    const retryAt = later(now, 3_600_000);',
      },
    ],
    breaks: ['who asks is given', 'the status comes true'],
    within: 60,
    scenario: 'nats-flapping',
  },
  {
    name: 'a pool that was paused says for ever that it is stopped',
    edits: [
      {
        file: 'actors/pool/status.js',
        from: "message: 'spec.paused is true; set it to false to serve again' }\n            : { status: false },",
        to: "message: 'spec.paused is true; set it to false to serve again' }\n            : lastKnown(current, 'Stopped'),",
      },
    ],
    breaks: ['conditions come true'],
    within: 30,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'a MAC that somebody wrote twice by hand keeps two addresses',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'if (allocator.addressOf(mac) === undefined)',
        to: 'if (true)',
      },
      {
        file: 'src/ipam/range-allocator.js',
        from: 'if (current !== undefined)\n            throw new MacHoldsAnotherAddressError(mac, current);',
        to: '',
      },
    ],
    breaks: ['one address a MAC'],
    within: 60,
    scenario: 'hand-edits',
  },
  {
    name: 'the lowest address of the range is given, also when it is excluded',
    edits: [
      {
        file: 'src/ipam/range-allocator.js',
        from: 'new NeverUsed(range, this.#excluded)',
        to: 'new NeverUsed(range, new Set())',
      },
    ],
    breaks: ['only what is offered'],
    within: 60,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'who waits for a pool asks again at once',
    edits: [
      {
        file: 'actors/vm/answers.js',
        from: 'const { address } = nic.phase;\n    const retryAt = later(now, backoff(failures));',
        to: 'const { address } = nic.phase;\n    const retryAt = now;',
      },
    ],
    breaks: ['no livelock'],
    within: 60,
    scenario: 'hand-edits',
  },
  {
    name: 'an agent remembers for ever which addresses came free',
    edits: [
      {
        file: 'actors/agent/lease-table.js',
        from: 'if (until <= now)\n                leases.delete(address);',
        to: 'if (until <= 0)\n                leases.delete(address);',
      },
    ],
    breaks: ['memory is bounded'],
    within: 30,
    scenario: 'vm-churn',
  },
  {
    name: 'whoever is given the address that it had before is told so before the status says it',
    edits: [
      {
        file: 'actors/pool/settle.js',
        from: 'const inFlight = {',
        to: `const given = (next.claims.given ??= new Set());
    const leases = answers.flatMap(({ event }) => event?.type === 'lease-allocated' ? [event.body.address + event.body.macAddress] : []);
    const isKnown = leases.length > 0 && leases.every((lease) => given.has(lease));
    for (const lease of leases)
        given.add(lease);
    if (isKnown)
        effects.push(...answers);
    const inFlight = {`,
      },
      {
        file: 'actors/pool/settle.js',
        from: 'effects: [...answers, ...kept',
        to: 'effects: [...(isKnown ? [] : answers), ...kept',
      },
    ],
    breaks: ['commit before reply'],
    within: 30,
    scenario: 'vm-churn',
  },
  {
    name: 'one renewal in five is refused, although the address is the one that the client has',
    edits: [
      {
        file: 'src/dhcp/decide.js',
        from: 'if (claimed !== binding)',
        to: "if (claimed !== binding || (clientState === 'renewing' && request.xid % 5 === 0))",
      },
    ],
    breaks: ['who has it is not refused'],
    within: 20,
  },
  {
    name: 'an agent that serves from its state file answers no DISCOVER',
    edits: [
      {
        file: 'actors/agent/answer.js',
        from: 'const binding = mac === undefined ?',
        to: "const isUnheard = table.source === 'file' && request.options.get(53)?.[0] === 1;\n    const binding = mac === undefined || isUnheard ?",
      },
    ],
    breaks: ['who has it is answered'],
    within: 20,
    scenario: 'control-plane-dark',
  },
  {
    name: 'an agent keeps the name servers that it began with, whatever later snapshots say',
    edits: [
      {
        file: 'actors/agent/lease-table.js',
        from: 'const configuration = configurationOf(snapshot);',
        to: 'const { dns = configurationOf(snapshot).dns } = previous?.configuration ?? {};\n    const configuration = { ...configurationOf(snapshot), dns };',
      },
    ],
    breaks: ['edits reach replies'],
    within: 30,
    scenario: 'pool-edit-under-load',
  },
  {
    name: 'an address rests for half of the lease time',
    edits: [
      {
        file: 'actors/pool/book.js',
        from: 'later(now, seconds(configuration.leaseSeconds))',
        to: 'later(now, seconds(configuration.leaseSeconds / 2))',
      },
    ],
    breaks: ['addresses rest'],
    within: 30,
    scenario: 'scarce-addresses',
  },
]
