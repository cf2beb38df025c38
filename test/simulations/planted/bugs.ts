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
        from: 'const inFlight = { effects: answers,',
        to: 'effects.push(...answers);\n    const inFlight = { effects: [],',
      },
    ],
    breaks: ['commit before reply'],
    within: 60,
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
    within: 60,
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
    breaks: ['revoked is not served'],
    within: 60,
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
    breaks: ['one holder', 'used + available = capacity', 'keeps its address'],
    within: 60,
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
    within: 60,
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
  },
]
