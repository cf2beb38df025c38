import { pino } from 'pino'
import { afterAll, beforeAll } from 'vitest'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { connectNatsTransport } from '../../../transports/messages/nats.ts'
import { type NatsServer, startNatsServer } from '../../support/nats-server.ts'
import { describePoolEdits } from './edit-scenarios.ts'
import { describeController } from './scenarios.ts'

const log = pino({ level: 'silent' })
let server: NatsServer

beforeAll(async () => {
  server = await startNatsServer()
})
afterAll(() => server.close())

const connect = () => connectNatsTransport({ servers: server.url, name: 'test', clock: systemClock, log })
describeController('a real nats-server', connect)
describePoolEdits('a real nats-server', connect)
