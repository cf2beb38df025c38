import { milliseconds } from '../../src/api/values/time.ts'
import {
  type AttachOptions,
  createSimulatedSegment,
  type PacketNetwork,
  type SegmentOptions,
  type SimulatedPacketTransport,
} from './simulated.ts'

export type MemoryPacketTransport = SimulatedPacketTransport

/** An Ethernet segment in one process, loss-free: datagrams arrive in order, after the sender's current task. */
export interface MemorySegment {
  attach(options: AttachOptions): MemoryPacketTransport
}

const ARRIVES = [{ delay: milliseconds(0) }]
const LOSSLESS: PacketNetwork = {
  schedule: (_receiver, _delay, action) => queueMicrotask(action),
  fate: () => ARRIVES,
}

export function createMemorySegment(options: SegmentOptions = {}): MemorySegment {
  const segment = createSimulatedSegment(LOSSLESS, options)
  return { attach: (attachOptions) => segment.attach({ ...attachOptions, name: 'memory' }) }
}
