import { startApart } from '../support/apart.ts'
import { testFaults } from '../support/fault-suite.ts'

/** nats-server keeps nothing on disk: one that was killed has forgotten everything when it comes back. */
testFaults({
  title: 'controller, agent, API and broker apart',
  start: startApart,
  faults: [
    ...(['agent', 'controller', 'nats', 'api'] as const).flatMap((part) => [
      { kind: 'kill' as const, parts: [part] },
      { kind: 'stop' as const, parts: [part] },
      { kind: 'cut' as const, parts: [part] },
    ]),
    { kind: 'kill', parts: ['agent', 'api'] },
    { kind: 'kill', parts: ['agent', 'nats'] },
    { kind: 'kill', parts: ['controller', 'nats'] },
    { kind: 'cut', parts: ['controller', 'agent'] },
  ],
  boundSeconds: 45,
})
