import { testFaults } from '../support/fault-suite.ts'
import { startTogether } from '../support/together.ts'

testFaults({
  title: 'standalone',
  start: startTogether,
  faults: [
    { kind: 'kill', parts: ['standalone'] },
    { kind: 'stop', parts: ['standalone'] },
  ],
  boundSeconds: 30,
})
