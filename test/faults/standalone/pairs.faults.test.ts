import { startApart } from '../support/apart.ts'
import { testFaults } from '../support/fault-suite.ts'
import { fault, type FaultKind } from '../support/faults.ts'
import { FLEET_CAPACITY } from '../support/fleet.ts'

/** Every two of the processes, each kind of fault in turn; and one muted while it cannot learn. */
const PAIRS = [
  ...([
    ['agent', 'api'],
    ['agent', 'nats'],
    ['agent', 'controller'],
  ] as const),
  ...([
    ['controller', 'nats'],
    ['controller', 'api'],
    ['api', 'nats'],
  ] as const),
] as const
const AWAY_MS = { kill: 500, stop: 2_500, cut: 2_500 }
const together = (kind: keyof typeof AWAY_MS & FaultKind) =>
  PAIRS.map(([one, other]) => fault(AWAY_MS[kind], [kind, one], [kind, other]))

testFaults({
  title: 'pairs of controller, agent, API and broker',
  start: () => startApart({ capacity: FLEET_CAPACITY }),
  faults: [
    ...together('kill'),
    fault(2_500, ['stop', 'controller'], ['stop', 'api']),
    fault(2_500, ['stop', 'agent'], ['stop', 'nats']),
    fault(2_500, ['cut', 'controller'], ['cut', 'agent']),
    fault(2_500, ['cut', 'api'], ['cut', 'nats']),
    fault(2_500, ['mute', 'agent'], ['kill', 'controller']),
  ],
  boundSeconds: 45,
})
