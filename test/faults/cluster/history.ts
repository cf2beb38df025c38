import { type IPv4Address, parseIPv4Address } from '../../../src/api/values/ipv4-address.ts'
import type { MacAddress } from '../../../src/api/values/mac-address.ts'
import type { HookEvent } from '../../../src/lab/clients/hook.ts'
import type { ClientEvent, ClientEventType } from '../history/events.ts'

const ACKED = ['bound', 'renew', 'BOUND', 'REBOOT', 'RENEW', 'REBIND']
const GIVEN_UP = ['deconfig', 'EXPIRE', 'FAIL']

/** What the DHCP clients saw, in the order in which it was heard. */
export class ClientHistory {
  readonly events: ClientEvent[] = []
  readonly #holds = new Map<MacAddress, IPv4Address>()
  readonly #listeners = new Set<(event: ClientEvent) => void>()

  /** A client's script was called. */
  heard(client: string, mac: MacAddress, { reason, variables }: HookEvent): void {
    if (ACKED.includes(reason)) {
      const address = parseIPv4Address(variables.get('ip') ?? variables.get('new_ip_address') ?? '')
      const leaseSeconds = Number(variables.get('lease') ?? variables.get('new_dhcp_lease_time'))
      this.#holds.set(mac, address)
      this.#add({ type: 'acked', client, mac, address, at: performance.now(), leaseSeconds })
    } else if (reason === 'nak') this.#giveUp('nak', client, mac)
    else if (GIVEN_UP.includes(reason)) this.#giveUp('expired', client, mac)
  }

  /** The machine was switched off. */
  gone(client: string, mac: MacAddress): void {
    this.#giveUp('gone', client, mac)
  }

  /** The next ACK that the client hears. @returns when that was */
  nextAck(client: string, limitMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const finish = () => {
        clearTimeout(timer)
        this.#listeners.delete(listener)
      }
      const listener = (event: ClientEvent) => {
        if (event.client !== client || event.type !== 'acked') return
        finish()
        resolve(event.at)
      }
      const timer = setTimeout(() => {
        finish()
        reject(new Error(`${client} heard no ACK within ${limitMs} ms`))
      }, limitMs)
      this.#listeners.add(listener)
    })
  }

  /** The last lease that it was acknowledged is over. */
  hasRunOut(mac: MacAddress): boolean {
    const last = this.events.findLast((event) => event.mac === mac && event.type === 'acked')
    return last !== undefined && last.at + (last.leaseSeconds ?? 0) * 1000 < performance.now()
  }

  #giveUp(type: Exclude<ClientEventType, 'acked'>, client: string, mac: MacAddress): void {
    const address = this.#holds.get(mac)
    if (address === undefined) return
    // What it had before it is also what it must get again.
    if (type === 'gone') this.#holds.delete(mac)
    this.#add({ type, client, mac, address, at: performance.now() })
  }

  #add(event: ClientEvent): void {
    this.events.push(event)
    for (const listener of this.#listeners) listener(event)
  }
}
