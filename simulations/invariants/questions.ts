import { formatIPv4Address } from '../../src/api/values/ipv4-address.ts'
import type { ClientEvent } from '../clients/events.ts'
import type { RunningClient } from '../world/guests.ts'

/** What a client asked: a liar may use its MAC, but does not know its transactions. */
export interface AskedQuestion {
  readonly client: RunningClient
  /** True time. */
  readonly at: number
  /** What it asked for, or asked to keep; undefined: it did not say. */
  readonly address: string | undefined
}

/** The questions of clients, by transaction. */
export class Questions {
  readonly #asked = new Map<string, AskedQuestion>()

  note(client: RunningClient, event: ClientEvent, now: number): void {
    if (event.type !== 'sent') return
    const address = event.address === undefined ? undefined : formatIPv4Address(event.address)
    this.#asked.set(`${client.network} ${client.mac} ${event.xid}`, { client, at: now, address })
  }

  /** The last question of this transaction. */
  find(network: string, mac: string, xid: number): AskedQuestion | undefined {
    return this.#asked.get(`${network} ${mac} ${xid}`)
  }
}
