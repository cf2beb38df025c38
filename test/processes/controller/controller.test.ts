import { pino } from 'pino'
import { systemClock } from '../../../src/runtime/system-clock.ts'
import { createLocalTransport, type LocalTransport } from '../../../transports/messages/local.ts'
import { describePoolEdits } from './edit-scenarios.ts'
import { describeController } from './scenarios.ts'

const log = pino({ level: 'silent' })

/** One bus for all parts of a test. */
let bus: LocalTransport | undefined
const connect = () => {
  if (bus?.connected() !== true) bus = createLocalTransport({ clock: systemClock, log })
  return bus
}
describeController('the local transport', connect)
describePoolEdits('the local transport', connect)
