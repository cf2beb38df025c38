import type { DhcpEvent } from '../../actors/agent/contracts.ts'

/** What a client was about when it sent a REQUEST, where that needs saying. */
const OCCASIONS: Readonly<Record<string, string>> = {
  'init-reboot': ' after a restart',
  renewing: ' to renew',
  rebinding: ' to renew, of any server',
}

/** One DHCP message and what it was answered with, for people: "DISCOVER from ca:70:82:e6:84:6e → OFFER 192.168.48.82" */
export function describeDhcpEvent(event: DhcpEvent): string {
  const { type, macAddress = 'unknown', address = '', reason = '', clientState = '' } = event
  const request = `REQUEST  from ${macAddress}${OCCASIONS[clientState] ?? ''}`
  switch (type) {
    case 'offer':
      return `DISCOVER from ${macAddress} → OFFER ${address}`
    case 'ack':
      return `${request} → ACK ${address}`
    case 'nak':
      return `${request} → NAK, ${reason.replaceAll('-', ' ')}`
    case 'ignored':
      return `message  from ${macAddress} → no answer, ${reason.replaceAll('-', ' ')}`
    case 'malformed':
      return `malformed message → no answer, ${reason}`
  }
}
