import { pino } from 'pino'
import { beforeEach, describe, expect, test } from 'vitest'
import { seconds } from '../../../src/api/values/time.ts'
import type { SendFailure } from '../../../transports/packets/counters.ts'
import type { DeviceSocket, DeviceSocketOptions } from '../../../transports/packets/device-socket.ts'
import {
  InterfaceNotFoundError,
  PacketPermissionError,
  PacketSocketError,
} from '../../../transports/packets/errors.ts'
import { encodeIPv4Udp } from '../../../transports/packets/ipv4-udp.ts'
import { startRawSocketTransport } from '../../../transports/packets/raw-socket.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { bytes, toClient, toServer } from './contract.ts'

describe('a raw-socket transport over a device that misbehaves', () => {
  let clock: ManualClock
  let device: FakeDevice
  let lines: string[]
  beforeEach(() => {
    clock = new ManualClock()
    device = new FakeDevice()
    lines = []
  })
  const open = () =>
    startRawSocketTransport(
      {
        interfaceName: 'eth1',
        port: 67,
        clock,
        log: pino({ level: 'debug' }, { write: (line: string) => void lines.push(line) }),
      },
      (options) => device.open(options),
    )

  test('an interface that goes away and comes back is bound again, with one line each', async () => {
    const transport = open()
    device.present = false
    await clock.advance(seconds(10))
    device.present = true
    device.bound = false
    await clock.advance(seconds(10))
    expect(transport.counters.rebinds).toBe(1)
    expect(lines.filter((line) => line.includes('is gone'))).toHaveLength(1)
    expect(lines.filter((line) => line.includes('is back'))).toHaveLength(1)
  })

  test('an interface made anew between two looks is bound again', async () => {
    const transport = open()
    device.bound = false
    await clock.advance(seconds(1))
    expect(device.bound).toBe(true)
    expect(transport.counters.rebinds).toBe(1)
  })

  test('a socket that breaks is replaced, and sends meanwhile are counted', async () => {
    const transport = open()
    device.options?.onBroken(new Error('EBADF'))
    transport.send(toClient({ payload: bytes(1) }))
    expect(transport.counters.sendFailures['interface-gone']).toBe(1)
    await clock.advance(seconds(1))
    transport.send(toClient({ payload: bytes(1) }))
    expect(transport.counters.sent).toBe(1)
    expect(device.opened).toBe(2)
  })

  test('one event takes 32 packets at most, so that other work is not held up', () => {
    const transport = open()
    const packet = encodeIPv4Udp(toServer({ payload: bytes(300) }))
    device.waiting.push(...Array.from({ length: 100 }, () => packet))
    let heard = 0
    transport.onDatagram(() => {
      heard++
    })
    device.options?.onReadable()
    expect(heard).toBe(32)
  })

  test('failures that go on are counted each, and logged once a minute', async () => {
    const transport = open()
    device.failure = 'network-unreachable'
    for (let second = 0; second < 90; second++) {
      transport.send(toClient({ payload: bytes(1) }))
      await clock.advance(seconds(1))
    }
    expect(transport.counters.sendFailures['network-unreachable']).toBe(90)
    expect(lines.filter((line) => line.includes('datagram not sent'))).toHaveLength(2)
  })

  test('what is no UDP in IPv4 is counted by its defect', () => {
    const transport = open()
    const fragment = encodeIPv4Udp(toServer({ payload: bytes(10) }))
    fragment[6] = 0x20
    device.waiting.push(new Uint8Array(3), fragment)
    device.options?.onReadable()
    expect(transport.counters.dropped).toMatchObject({ truncated: 1, fragment: 1 })
  })

  test('closing from within the listener stops the batch', async () => {
    const transport = open()
    const packet = encodeIPv4Udp(toServer({ payload: bytes(300) }))
    device.waiting.push(packet, packet)
    let heard = 0
    transport.onDatagram(() => {
      heard++
      void transport.close()
    })
    device.options?.onReadable()
    expect(heard).toBe(1)
    await clock.advance(seconds(5))
    expect(device.opened).toBe(1)
  })

  test('without the right to open raw sockets the error says how to get it', () => {
    device.refusal = 'Operation not permitted'
    expect(open).toThrow(PacketPermissionError)
    expect(open).toThrow(/CAP_NET_RAW.*root.*setcap.*unshare -Urn/s)
  })

  test('for a missing interface the error lists those that there are', () => {
    device.refusal = 'No such device'
    expect(open).toThrow(InterfaceNotFoundError)
    expect(open).toThrow(/there is no network interface "eth1"; there are: .*lo/)
  })
})

class FakeDevice {
  present = true
  bound = true
  opened = 0
  refusal: string | undefined
  failure: SendFailure | undefined
  options: DeviceSocketOptions | undefined
  readonly waiting: Uint8Array[] = []

  open(options: DeviceSocketOptions): DeviceSocket {
    if (this.refusal !== undefined) {
      throw new PacketSocketError(options.interfaceName, { cause: new Error(this.refusal) })
    }
    this.opened++
    this.options = options
    let closed = false
    return {
      receive: (limit, take) => {
        for (let i = 0; i < limit && !closed; i++) {
          const packet = this.waiting.shift()
          if (packet === undefined) return
          take(packet)
        }
      },
      send: () => this.failure,
      isBound: () => this.present && this.bound,
      rebind: () => {
        if (this.present) this.bound = true
        return this.present
      },
      close: () => {
        closed = true
      },
    }
  }
}
