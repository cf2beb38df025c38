import { testFaults } from '../support/fault-suite.ts'
import { fault } from '../support/faults.ts'
import { FLEET_CAPACITY } from '../support/fleet.ts'
import { startTogether } from '../support/together.ts'

testFaults({
  title: 'standalone',
  start: () => startTogether({ capacity: FLEET_CAPACITY }),
  faults: [
    fault(500, ['kill', 'standalone']),
    fault(2_500, ['stop', 'standalone']),
    fault(2_500, ['mute', 'standalone']),
  ],
  boundSeconds: 30,
})
