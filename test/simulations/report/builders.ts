import type { Plan } from '../../../simulations/plan/plan.ts'
import type { RunResult, Violation } from '../../../simulations/runner/result.ts'
import type { TraceEntry, TraceKind } from '../../../simulations/trace/trace.ts'

export const FIRST_MAC = '52:54:00:00:00:01'
export const SECOND_MAC = '52:54:00:00:00:02'
export const ADDRESS = '192.168.48.81'
export const POOL = 'default/lan'

export function aPlan(parts: Partial<Plan> = {}): Plan {
  return {
    version: 1,
    scenario: 'split-brain',
    seed: 42,
    controllers: 2,
    leaderElection: false,
    localFirst: true,
    networks: [
      {
        name: 'lan',
        cidr: '192.168.48.0/24',
        start: '192.168.48.81',
        end: '192.168.48.90',
        server: '192.168.48.77',
        leaseSeconds: 60,
        agents: 1,
      },
    ],
    durationMs: 900_000,
    operations: [],
    faults: [],
    ...parts,
  }
}

export function aViolation(parts: Partial<Violation> = {}): Violation {
  return {
    law: 'one holder',
    at: 1000,
    message: `${ADDRESS} is held by two clients`,
    about: [ADDRESS],
    ...parts,
  }
}

export function aRun(parts: Partial<RunResult> = {}): RunResult {
  return {
    plan: aPlan(),
    violations: [],
    digest: '0'.repeat(64),
    simulatedMs: 3_600_000,
    events: 10_000,
    wallMs: 500,
    coverage: {},
    ...parts,
  }
}

export function anEntry(at: number, parts: Partial<TraceEntry> = {}): TraceEntry {
  return { at, kind: 'lease', who: 'client vm-1/nic-0', text: 'something', about: [FIRST_MAC], ...parts }
}

type Names = readonly string[]

/** Writes a trace as a simulation does: in order of time, messages with the time of their arrival. */
function createTeller() {
  const entries: TraceEntry[] = []
  const add = (entry: TraceEntry) => void entries.push(entry)
  return {
    entries: () => entries.toSorted((a, b) => a.at - b.at),
    note: (at: number, kind: TraceKind, who: string, text: string, about: Names = []) =>
      add({ at, kind, who, text, about }),
    /** `takes` undefined: lost. */
    sent: (
      at: number,
      kind: 'message' | 'packet',
      [who, to]: readonly [string, string],
      takes: number | undefined,
      text: string,
      about: Names,
    ) => add({ at, kind, who, to, text, about, ...(takes === undefined ? {} : { arrivesAt: at + takes }) }),
  }
}

type Teller = ReturnType<typeof createTeller>

interface Guest {
  client: string
  mac: string
  address: string
  vm: string
}

const first: Guest = { client: 'client vm-1/nic-0', mac: FIRST_MAC, address: ADDRESS, vm: 'default/vm-1' }
const second: Guest = { client: 'client vm-2/nic-0', mac: SECOND_MAC, address: ADDRESS, vm: 'default/vm-2' }

function tellBoot(teller: Teller, at: number, controller: string, { client, mac, address, vm }: Guest) {
  const about = [mac, address]
  teller.sent(at, 'message', ['api', controller], 12, `watch: VirtualMachine ${vm} added`, [vm, mac])
  teller.sent(
    at + 30,
    'message',
    [controller, 'api'],
    18,
    `patch IPPool ${POOL} status: ${address} → ${mac}`,
    [POOL, mac, address],
  )
  teller.sent(at + 48, 'message', ['api', controller], 9, `200 IPPool ${POOL}, resourceVersion 12`, [
    POOL,
    mac,
  ])
  teller.sent(at + 60, 'message', [controller, 'broker'], 4, `publish delta: ${address} → ${mac}`, about)
  teller.sent(at + 65, 'message', ['broker', 'agent-lan-1'], 5, `delta: ${address} → ${mac}`, about)
  teller.sent(at + 900, 'packet', [client, 'agent-lan-1'], 2, 'DISCOVER', [mac])
  teller.sent(at + 903, 'packet', ['agent-lan-1', client], 2, `OFFER ${address}`, about)
  tellRenewal(teller, at + 910, { client, mac, address, vm }, ' selecting')
}

function tellRenewal(teller: Teller, at: number, guest: Guest, how = ' renewing') {
  const { client, mac, address } = guest
  teller.sent(at, 'packet', [client, 'agent-lan-1'], 2, `REQUEST ${address}${how}`, [mac, address])
  teller.sent(at + 3, 'packet', ['agent-lan-1', client], 2, `ACK ${address} for 60 s`, [mac, address])
  teller.note(at + 5, 'lease', client, `holds ${address} until ${at + 60_005}`, [mac, address])
}

/** Renewals of guests that nothing happens to. */
function tellBystanders(teller: Teller, guests: number, until: number) {
  for (let n = 0; n < guests; n++) {
    const byte = (n + 16).toString(16).padStart(2, '0')
    const guest = {
      client: `client other-${n}/nic-0`,
      mac: `52:54:00:00:01:${byte}`,
      address: `192.168.49.${n + 1}`,
      vm: `default/other-${n}`,
    }
    for (let at = 5000 + n * 37; at < until; at += 30_000) tellRenewal(teller, at, guest)
    teller.note(100 + n, 'operation', 'operator', `create VM other-${n}`, [guest.vm, guest.mac])
  }
}

/**
 * Two controllers that both believe to lead; one is cut off from the broker and gives away an address whose first client
 * never heard that it lost it. `bystanders` renew all the while and have no part in it.
 */
export function aSplitBrain({ bystanders = 0 } = {}): RunResult & { trace: readonly TraceEntry[] } {
  const teller = createTeller()
  const clash = 605_000
  const { note, sent } = teller
  note(0, 'step', 'controller-1', 'starts')
  note(3, 'step', 'controller-2', 'starts')
  note(8, 'step', 'agent-lan-1', 'starts')
  note(1500, 'step', 'controller-1', 'leads')
  note(2000, 'operation', 'operator', 'create VM vm-1, running, with nic-0 on lan', [
    'default/vm-1',
    FIRST_MAC,
  ])
  tellBoot(teller, 2100, 'controller-1', first)
  for (let at = 33_000; at < 580_000; at += 30_000) tellRenewal(teller, at, first)
  tellBystanders(teller, bystanders, clash)
  note(590_000, 'fault', 'fault', 'nothing from controller-1 reaches broker')
  note(591_200, 'step', 'controller-2', 'leads')
  tellRenewal(teller, 593_000, first)
  note(594_000, 'operation', 'operator', 'stop VM vm-1', ['default/vm-1'])
  sent(
    594_012,
    'message',
    ['api', 'controller-1'],
    14,
    'watch: VirtualMachineInstance default/vm-1 deleted',
    ['default/vm-1'],
  )
  sent(
    594_015,
    'message',
    ['api', 'controller-2'],
    5200,
    'watch: VirtualMachineInstance default/vm-1 deleted',
    ['default/vm-1'],
  )
  note(595_000, 'operation', 'operator', 'create VM vm-2, running, with nic-0 on lan', [
    'default/vm-2',
    SECOND_MAC,
  ])
  sent(595_300, 'message', ['controller-1', 'api'], 20, `patch IPPool ${POOL} status: release ${ADDRESS}`, [
    POOL,
    FIRST_MAC,
    ADDRESS,
  ])
  sent(595_320, 'message', ['api', 'controller-1'], 11, '409 Conflict', [POOL, FIRST_MAC])
  sent(595_400, 'message', ['controller-1', 'broker'], undefined, `publish delta: ${ADDRESS} is free`, [
    FIRST_MAC,
    ADDRESS,
  ])
  note(596_000, 'fault', 'fault', 'controller-1 crashes after its next write')
  sent(596_400, 'message', ['controller-1', 'api'], 25, `patch IPPool ${POOL} status: release ${ADDRESS}`, [
    POOL,
    FIRST_MAC,
    ADDRESS,
  ])
  note(596_425, 'step', 'controller-1', 'crashes')
  sent(596_430, 'message', ['api', 'controller-1'], undefined, `200 IPPool ${POOL}, resourceVersion 31`, [
    POOL,
    FIRST_MAC,
  ])
  tellBoot(teller, 600_000, 'controller-2', second)
  note(600_600, 'step', 'controller-1', 'starts')
  sent(604_000, 'packet', [first.client, 'agent-lan-1'], undefined, `RELEASE ${ADDRESS}`, [
    FIRST_MAC,
    ADDRESS,
  ])
  const violation: Violation = {
    law: 'one holder',
    at: clash,
    message: [
      `${ADDRESS} on lan is held by two clients:`,
      `${FIRST_MAC} (vm-1/nic-0) since +0:09:53.005 until +0:10:53.005, by ACK of agent-lan-1`,
      `${SECOND_MAC} (vm-2/nic-0) since +0:10:00.915 until +0:11:00.915, by ACK of agent-lan-1`,
    ].join('\n'),
    about: [ADDRESS, FIRST_MAC, SECOND_MAC],
  }
  note(clash, 'violation', 'api', violation.law, violation.about)
  return { ...aRun({ violations: [violation], plan: splitBrainPlan() }), trace: teller.entries() }
}

function splitBrainPlan(): Plan {
  const nic = (mac: string) => ({ name: 'nic-0', network: 'lan', mac })
  return aPlan({
    operations: [
      { type: 'vm-create', at: 2000, vm: 'vm-1', nics: [nic(FIRST_MAC)], running: true },
      { type: 'vm-stop', at: 594_000, vm: 'vm-1' },
      { type: 'vm-create', at: 595_000, vm: 'vm-2', nics: [nic(SECOND_MAC)], running: true },
      { type: 'vm-migrate', at: 700_000, vm: 'vm-2' },
    ],
    faults: [
      { type: 'cut', at: 590_000, lasts: 120_000, from: 'controller-1', to: 'broker' },
      { type: 'api-slow', at: 592_000, lasts: 5000, process: 'controller-2', upToMs: 6000 },
      { type: 'crash', at: 596_000, process: 'controller-1', moment: 'after-write', downMs: 4200 },
      {
        type: 'packets',
        at: 603_000,
        lasts: 4000,
        network: 'lan',
        lost: 0.5,
        doubled: 0.1,
        corrupted: 0,
        delayed: 0,
        delayMs: 1,
      },
    ],
  })
}
