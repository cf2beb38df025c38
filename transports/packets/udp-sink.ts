import { createSocket, type Socket } from 'node:dgram'
import type { Logger } from 'pino'
import { formatIPv4Address, type IPv4Address } from '../../src/api/values/ipv4-address.ts'

/**
 * A UDP socket that reads and forgets. The kernel knows nothing of raw sockets' ports: without an ordinary
 * socket on (address, port) it answers every unicast request with ICMP port unreachable, and clients that
 * renew see an error.
 */
export interface UdpSink {
  /** Binds if it is not bound yet: the address may come to the interface later. */
  ensure(): void
  close(): void
}

export function createUdpSink(address: IPv4Address, port: number, log: Logger): UdpSink {
  const text = formatIPv4Address(address)
  let socket: Socket | undefined
  let closed = false
  let reported = ''

  function abandon(candidate: Socket, error: Error): void {
    if (socket !== candidate) return
    socket = undefined
    candidate.close()
    if (error.message === reported) return
    reported = error.message
    log.warn(
      { address: text, port, reason: error.message },
      'cannot bind the UDP sink yet: the kernel refuses unicast requests with ICMP port unreachable until then',
    )
  }

  return {
    ensure() {
      if (closed || socket !== undefined) return
      const candidate = createSocket({ type: 'udp4', reuseAddr: true })
      socket = candidate
      candidate.on('error', (error) => abandon(candidate, error))
      candidate.on('message', () => {})
      candidate.bind({ address: text, port }, () => {
        reported = ''
        log.debug({ address: text, port }, 'UDP sink bound')
      })
    },
    close() {
      closed = true
      socket?.close()
      socket = undefined
    },
  }
}
