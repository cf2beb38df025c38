import { startApart } from '../support/apart.ts'
import { testFaults } from '../support/fault-suite.ts'
import { fault } from '../support/faults.ts'
import { FLEET_CAPACITY } from '../support/fleet.ts'

/** nats-server keeps nothing on disk: one that was killed has forgotten everything when it comes back. */
testFaults({
  title: 'controller, agent, API and broker apart',
  start: () => startApart({ capacity: FLEET_CAPACITY }),
  faults: [
    ...(['agent', 'controller', 'nats', 'api'] as const).flatMap((part) => [
      fault(500, ['kill', part]),
      fault(2_500, ['stop', part]),
      fault(2_500, ['cut', part]),
    ]),
    fault(2_500, ['mute', 'agent']),
  ],
  boundSeconds: 45,
})
