import type { ClientEvent } from '../../../simulations/clients/events.ts'
import { Judge } from '../../../simulations/invariants/judge.ts'
import type { AgentUptime } from '../../../simulations/invariants/serving.ts'
import type { RunningClient } from '../../../simulations/world/guests.ts'
import { type IPPool, ipPoolSchema } from '../../../src/api/ippool.ts'
import { parseIPv4Address, UNSPECIFIED_ADDRESS } from '../../../src/api/values/ipv4-address.ts'
import { parseMacAddress } from '../../../src/api/values/mac-address.ts'
import { toInstant } from '../../../src/api/values/time.ts'
import { clientRequest } from '../../../src/dhcp/client-request.ts'
import type { OptionValues } from '../../../src/dhcp/options.ts'
import type { DhcpPacket } from '../../../src/dhcp/packet.ts'

export const AGENT = 'agent-lan-1'
export const FIRST = '02:00:00:00:00:01'
export const SECOND = '02:00:00:00:00:02'
export const ADDRESS = '10.0.0.10'
export const OTHER_ADDRESS = '10.0.0.11'
export const SERVER = '10.0.0.2'
export const LEASE_SECONDS = 60

type Leases = Readonly<Record<string, string>>

/** A judge, and a hand that writes what it sees; time passes when it is told to. */
export class Court {
  now = 1_000
  readonly clients: RunningClient[] = []
  readonly lives = new Map<string, number>()
  readonly judge = new Judge({
    now: () => this.now,
    clients: () => this.clients,
    lifeOf: (process) => this.lives.get(process) ?? 0,
    found: () => {},
  })
  #pool: IPPool | undefined
  #version = 0

  broken(): string[] {
    return this.judge.violations.map(({ law }) => law)
  }

  /** The IPPool of the network `lan`, as it is from now on. */
  write(by: string, leases: Leases, spec: { paused?: boolean; ipv4Config?: object } = {}): IPPool {
    const previous = this.#pool
    const { generation = 0 } = previous?.metadata ?? {}
    const ipv4Config = { ...previous?.spec.ipv4Config, ...spec.ipv4Config }
    this.#pool = ipPoolSchema.parse({
      metadata: {
        name: 'lan',
        namespace: 'default',
        uid: 'pool-1',
        resourceVersion: `${++this.#version}`,
        generation: Object.keys(spec).length === 0 ? generation : generation + 1,
      },
      spec: {
        networkName: 'default/lan',
        paused: spec.paused ?? previous?.spec.paused,
        ipv4Config: { cidr: '10.0.0.0/24', serverIP: SERVER, leaseTime: LEASE_SECONDS, ...ipv4Config },
      },
      status: { ipv4: { allocated: leases, revision: this.#version } },
    })
    this.judge.committed({ plural: 'ippools', previous, next: this.#pool, by })
    return this.#pool
  }

  /** The process hears how the IPPool stands, and has thought about it. */
  hear(process: string, pool: IPPool | undefined = this.#pool): void {
    if (pool !== undefined) this.judge.heardOfPool(process, pool)
    this.now += 1_000
  }

  /** A guest boots. */
  boot(mac: string, vm = 'vm-1'): RunningClient {
    const name = `${vm}/nic-0`
    const client: RunningClient = {
      name: `client ${name}`,
      vm,
      network: 'lan',
      mac,
      since: this.now,
      client: {
        name,
        state: () => 'BOUND',
        lease: () => undefined,
        memory() {
          throw new Error('nobody asks for its memory')
        },
        ignored: { corrupt: 0, foreign: 0 },
        release: () => {},
        restart: () => {},
        stop: () => {},
      },
    }
    this.clients.push(client)
    return client
  }

  told(client: RunningClient, event: ClientEvent): void {
    this.judge.client(client, event)
  }

  asks(client: RunningClient, messageType: 'DISCOVER' | 'REQUEST', xid: number, address = ADDRESS): void {
    const to = parseIPv4Address(SERVER)
    this.told(client, { type: 'sent', messageType, xid, to, address: parseIPv4Address(address) })
  }

  bound(client: RunningClient, address = ADDRESS): void {
    this.told(client, {
      type: 'bound',
      address: parseIPv4Address(address),
      server: parseIPv4Address(SERVER),
      leaseSeconds: LEASE_SECONDS,
      since: toInstant(this.now),
      until: toInstant(this.now + LEASE_SECONDS * 1000),
    })
  }

  replies(messageType: 'OFFER' | 'ACK' | 'NAK', to: string, reply: Reply = {}): void {
    const { address = ADDRESS, xid = 1, options = {} } = reply
    const packet: DhcpPacket = {
      ...clientRequest({ mac: parseMacAddress(to), xid, options: { messageType, ...options } }),
      op: 'BOOTREPLY',
      yiaddr: messageType === 'NAK' ? UNSPECIFIED_ADDRESS : parseIPv4Address(address),
    }
    this.judge.replied({ agent: AGENT, network: 'lan', packet })
  }
}

export interface Reply {
  address?: string
  xid?: number
  options?: Partial<OptionValues>
}

export function anAgent(parts: Partial<AgentUptime> = {}): AgentUptime {
  return { name: AGENT, network: 'lan', upSince: () => 0, stateFile: () => undefined, ...parts }
}

/** What an agent that was told of these leases keeps on its disk. */
export function aStateFile(pool: IPPool, leases: Leases): string {
  const { uid, name, namespace } = pool.metadata
  const head = { uid, name, namespace, revision: 1, generation: 1, ntpServers: [] }
  return JSON.stringify({ ...head, spec: pool.spec, leases })
}
