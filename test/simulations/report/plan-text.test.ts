import { describe, expect, test } from 'vitest'
import { faultSchema } from '../../../simulations/plan/faults.ts'
import { operationSchema } from '../../../simulations/plan/operations.ts'
import { endOfFault } from '../../../simulations/report/fault-text.ts'
import {
  describeFault,
  describeOperation,
  describeWorld,
  planLines,
  replayCommand,
} from '../../../simulations/report/plan-text.ts'
import { aPlan } from './builders.ts'

const nic = { name: 'nic-0', network: 'lan', mac: '52:54:00:00:00:01' }

test.each([
  [
    { type: 'vm-create', vm: 'a', nics: [nic], running: true },
    'create VM a, running, with nic-0 52:54:00:00:00:01 on lan',
  ],
  [
    { type: 'vm-create', vm: 'a', nics: [{ ...nic, pin: '10.0.0.5' }], running: false },
    'create VM a with nic-0 52:54:00:00:00:01 on lan, pinned to 10.0.0.5',
  ],
  [{ type: 'vm-start', vm: 'a' }, 'start VM a'],
  [{ type: 'vm-stop', vm: 'a' }, 'stop VM a'],
  [{ type: 'vm-delete', vm: 'a' }, 'delete VM a'],
  [{ type: 'guest-reboot', vm: 'a' }, 'the guest of VM a reboots'],
  [{ type: 'vm-migrate', vm: 'a' }, 'migrate VM a to another node'],
  [
    { type: 'guest-pause', vm: 'a', lasts: 90_000, clock: 'stood-still' },
    'pause the guest of VM a for 1 min 30 s; its clock stands still meanwhile',
  ],
  [{ type: 'guest-snapshot', vm: 'a' }, 'take a snapshot of VM a'],
  [
    { type: 'guest-restore', vm: 'a', what: 'disk', clock: 'put-right' },
    'the guest of VM a boots from the disk of its snapshot',
  ],
  [
    { type: 'guest-restore', vm: 'a', what: 'memory', clock: 'put-right' },
    'the guest of VM a goes on from its snapshot; its clock is put right',
  ],
  [
    { type: 'node-lost', vm: 'a', lasts: 60_000, isCutOff: true },
    'the node of VM a is lost for 1 min; the guest runs on there, cut off from its networks',
  ],
  [
    { type: 'force-delete', vm: 'a', what: 'instance' },
    'force the deletion of the instance of VM a, whose node is lost',
  ],
  [{ type: 'force-delete', vm: 'a', what: 'machine' }, 'force the deletion of VM a, whose node is lost'],
  [
    { type: 'nic-add', vm: 'a', nic: { ...nic, macIn: 'annotation', bareName: true } },
    'add to VM a nic-0 52:54:00:00:00:01 on lan, its MAC in an annotation, named without its namespace',
  ],
  [
    { type: 'nic-move', vm: 'a', nic: 'nic-0', network: 'wan', follows: 'restart' },
    'move nic-0 of VM a to network wan; the guest follows when it is started again',
  ],
  [{ type: 'pool-create', pool: 'lan', rival: true }, 'create the second IPPool on the network of lan'],
  [{ type: 'nic-add', vm: 'a', nic }, 'add to VM a nic-0 52:54:00:00:00:01 on lan'],
  [{ type: 'nic-remove', vm: 'a', nic: 'nic-0' }, 'remove nic-0 of VM a'],
  [{ type: 'nic-move', vm: 'a', nic: 'nic-0', network: 'wan' }, 'move nic-0 of VM a to network wan'],
  [
    { type: 'mac-change', vm: 'a', nic: 'nic-0', mac: '52:54:00:00:00:09' },
    'change the MAC address of nic-0 of VM a to 52:54:00:00:00:09',
  ],
  [{ type: 'pin', vm: 'a', nic: 'nic-0', pin: '10.0.0.5' }, 'pin nic-0 of VM a to 10.0.0.5'],
  [{ type: 'pin', vm: 'a', nic: 'nic-0' }, 'unpin nic-0 of VM a'],
  [{ type: 'config-pause', vm: 'a', paused: true }, 'pause the VirtualMachineNetworkConfig of VM a'],
  [{ type: 'config-pause', vm: 'a', paused: false }, 'resume the VirtualMachineNetworkConfig of VM a'],
  [{ type: 'config-delete', vm: 'a' }, 'delete the VirtualMachineNetworkConfig of VM a'],
  [{ type: 'pool-edit', pool: 'lan', spec: { paused: true } }, 'edit IPPool lan: {"paused":true}'],
  [{ type: 'pool-delete', pool: 'lan' }, 'delete IPPool lan'],
  [{ type: 'pool-create', pool: 'lan' }, 'create IPPool lan'],
  [
    { type: 'status-edit', pool: 'lan', status: { ipv4: null } },
    'edit the status of IPPool lan by hand: {"ipv4":null}',
  ],
])('%j reads as one line', (operation, line) => {
  expect(describeOperation(operationSchema.parse({ at: 1, ...operation }))).toBe(line)
})

const process = 'agent-lan-1'
const harm = { lost: 0, doubled: 0, corrupted: 0, delayed: 0, delayMs: 0 }

test.each([
  [
    { type: 'messages', lasts: 2500, from: '*', to: 'api', ...harm, lost: 0.25, delayed: 1, delayMs: 800 },
    'messages from everybody to api: 25 % lost, 100 % up to 800 ms late, for 2.5 s',
  ],
  [
    { type: 'cut', lasts: 60_000, from: 'controller-1', to: '*' },
    'nothing from controller-1 reaches everybody, for 1 min',
  ],
  [{ type: 'broker-down', lasts: 10 }, 'the broker is down, for 10 ms'],
  [
    { type: 'slow-consumer', lasts: 1000, process, keeps: 5 },
    'agent-lan-1 is a slow consumer that keeps 5 messages, for 1 s',
  ],
  [{ type: 'api-down', lasts: 90_000 }, 'the API is down, for 1 min 30 s'],
  [
    { type: 'api-errors', lasts: 1000, process: '*', share: 0.005, error: 'late' },
    '0.5 % of the requests of everybody to the API are done and not answered, for 1 s',
  ],
  [
    { type: 'api-slow', lasts: 1000, process, upToMs: 300 },
    'the API answers agent-lan-1 up to 300 ms later, for 1 s',
  ],
  [
    { type: 'stale-lists', lasts: 1000, process, behindMs: 7_200_000 },
    'lists of the API show agent-lan-1 the state of 2 h ago, for 1 s',
  ],
  [
    { type: 'watches', process, how: 'gone' },
    'the watches of agent-lan-1 are closed and cannot be resumed (410)',
  ],
  [
    { type: 'crash', process, moment: 'after-write', downMs: 5000 },
    'agent-lan-1 crashes after its next write, before the answer, down for 5 s',
  ],
  [
    { type: 'crash', process, moment: 'before-send', nth: 3, downMs: 5000 },
    'agent-lan-1 crashes before message 3 from now, down for 5 s',
  ],
  [
    { type: 'pause', process, moment: 'after-answer', nth: 2, lasts: 1000 },
    'agent-lan-1 is stopped (SIGSTOP) 2 turns after the answer to its next write, for 1 s',
  ],
  [
    { type: 'pause', process, moment: 'after-turns', lasts: 1000 },
    'agent-lan-1 is stopped (SIGSTOP) after 1 more turn, for 1 s',
  ],
  [
    { type: 'watches', process: '*', how: 'ended', gapMs: 300 },
    'the watches of everybody are ended by the server, heard 300 ms later',
  ],
  [
    { type: 'watches', process, how: 'missed', changes: 2 },
    'the watches of agent-lan-1 do not tell of some changes: the next 2 of each',
  ],
  [
    { type: 'watch-lag', lasts: 1000, process, upToMs: 300 },
    'watches tell agent-lan-1 up to 300 ms late what changed, for 1 s',
  ],
  [
    { type: 'api-errors', lasts: 1000, process, share: 1, error: 'done-504' },
    '100 % of the requests of agent-lan-1 to the API are done, if they are writes, and get 504 Gateway Timeout, for 1 s',
  ],
  [
    { type: 'state-file', lasts: 1000, process, damage: 'flipped' },
    'the state file of agent-lan-1 has a bit of it turned, for 1 s',
  ],
  [
    { type: 'forger', lasts: 1000, network: 'lan', everyMs: 50 },
    'somebody forges messages about lan, every 50 ms, for 1 s',
  ],
  [{ type: 'pause', lasts: 93_600_000, process }, 'agent-lan-1 is stopped (SIGSTOP), for 1 d 2 h'],
  [{ type: 'clock-jump', process, byMs: -3_600_000 }, 'the clock of agent-lan-1 jumps 1 h back'],
  [
    { type: 'clock-drift', lasts: 1000, process, perMille: 20 },
    'the clock of agent-lan-1 runs 20 ‰ too fast, for 1 s',
  ],
  [
    { type: 'state-file', lasts: 1000, process, damage: 'full-disk' },
    'the state file of agent-lan-1 cannot be written, the disk is full, for 1 s',
  ],
  [
    { type: 'packets', lasts: 1000, network: 'lan', ...harm, corrupted: 0.1 },
    'packets on lan: 10 % corrupted, for 1 s',
  ],
  [
    { type: 'liar', lasts: 1000, network: 'lan', everyMs: 50 },
    'a client that lies is on lan, every 50 ms, for 1 s',
  ],
])('%j reads as one line', (fault, line) => {
  expect(describeFault(faultSchema.parse({ at: 1, ...fault }))).toBe(line)
})

test('what a name holds cannot begin a line of its own', () => {
  expect(describeOperation({ type: 'vm-stop', at: 0, vm: 'a\n\u001b[31mb' })).toBe(
    'stop VM a\\u{a}\\u{1b}[31mb',
  )
})

test('a crash is over when the process is back, a jump of the clock at once, and everything when all is healed', () => {
  expect(endOfFault({ type: 'crash', at: 100, process, moment: 'now', downMs: 50 }, 1000)).toBe(150)
  expect(endOfFault({ type: 'clock-jump', at: 100, process, byMs: 50 }, 1000)).toBe(100)
  expect(endOfFault({ type: 'broker-down', at: 100, lasts: 5000 }, 1000)).toBe(1000)
})

describe('a plan', () => {
  test('lists operations and faults in order of time', () => {
    const plan = aPlan({
      operations: [
        { type: 'vm-stop', at: 30, vm: 'a' },
        { type: 'vm-start', at: 10, vm: 'a' },
      ],
      faults: [{ type: 'api-down', at: 20, lasts: 5 }],
    })
    expect(planLines(plan).map(({ at, kind }) => [at, kind])).toEqual([
      [10, 'operation'],
      [20, 'fault'],
      [30, 'operation'],
    ])
  })

  test('says what the world is that it starts with', () => {
    expect(describeWorld(aPlan())).toEqual([
      '2 controllers, each believes that it is the only one; faults within 15 min',
      'network lan: 192.168.48.0/24, addresses 192.168.48.81 to 192.168.48.90, leases of 1 min, 1 agent',
    ])
  })

  test('is replayed by a command that a shell takes as it stands', () => {
    expect(replayCommand({ scenario: 'boot-storm', seed: 7 })).toBe(
      'managed-dhcp simulate --scenario boot-storm --seed 7',
    )
    expect(replayCommand({ scenario: "my $(own)'s", seed: 7 })).toBe(
      `managed-dhcp simulate --scenario 'my $(own)'\\''s' --seed 7`,
    )
  })
})
