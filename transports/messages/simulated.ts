import { type Duration, milliseconds } from '../../src/api/values/time.ts'
import { QueueGroups } from './queue-groups.ts'
import {
  type BrokerEntry,
  openSimulatedConnection,
  type SimulatedConnection,
  type SimulatedConnectionOptions,
  type SimulatedTransport,
  type Travelling,
} from './simulated-connection.ts'
import { BROKER, type Leg, type MessageNetwork } from './simulated-network.ts'
import { SubjectIndex } from './subject-index.ts'

export interface SimulatedBroker {
  /** A process's connection; a process may have several. */
  connect(options: SimulatedConnectionOptions): SimulatedTransport
  /**
   * The process notices that its connection is gone: what it asked for fails now, as with `nats.ts`. Who does not call
   * this leaves its requests to their time-outs, as a connection does that is cut without a word.
   */
  lost(process: string): void
  /** The process was killed: its subscriptions end, and what is left of it in memory can neither send nor hear. */
  drop(process: string): void
}

/**
 * A NATS server and its clients between simulated processes. Passive: all chance and all time come from `network`, and
 * what is asked of it in which order depends on the calls only, so that one seed makes one run.
 *
 * As with `nats.ts`: a message goes to every subscription and to one member of each queue group; a plain subscriber
 * counts as a responder; what is published without a connection is lost, and a request fails at once then. Who has
 * subscribed is looked up when a message is sent, and again when it arrives.
 */
export function createSimulatedBroker(network: MessageNetwork): SimulatedBroker {
  const index = new SubjectIndex<BrokerEntry>()
  const groups = new QueueGroups<BrokerEntry>()
  const connections = new Map<string, SimulatedConnection[]>()

  function fate(leg: Leg): readonly Duration[] {
    const delays = network.fate(leg.from, leg.to, leg.subject)
    network.observe?.({ ...leg, delays })
    return delays
  }

  function route(from: string, message: Travelling, body: unknown): boolean {
    const { subject, inbox } = message
    const reachable = index.match(subject).filter((entry) => network.isConnected(entry.process))
    const byProcess = new Map<string, BrokerEntry[]>()
    for (const entry of groups.choose(reachable)) {
      const others = byProcess.get(entry.process)
      if (others) others.push(entry)
      else byProcess.set(entry.process, [entry])
    }
    for (const [to, entries] of byProcess) {
      for (const delay of fate({ from, to, subject, kind: inbox ? 'request' : 'event', body })) {
        const spoil = network.spoil?.(from, to, subject)
        const received = spoil === undefined ? message : { ...message, text: spoil(message.text) }
        const takers = entries.filter((entry) => entry.reserve())
        network.schedule(to, delay, () => {
          const arrived = network.isConnected(to) ? received : undefined
          for (const entry of takers) entry.arrive(arrived)
        })
      }
    }
    return byProcess.size > 0
  }

  function carry(leg: Leg, arrived: (spoil?: (text: string) => string) => void): void {
    if (!network.isConnected(leg.to)) return
    for (const delay of fate(leg)) {
      const spoil = network.spoil?.(leg.from, leg.to, leg.subject)
      network.schedule(leg.to, delay, () => {
        if (network.isConnected(leg.to)) arrived(spoil)
      })
    }
  }

  function noResponders(process: string, subject: string, body: unknown, told: () => void): void {
    for (const there of fate({ from: process, to: BROKER, subject, kind: 'request', body })) {
      for (const back of fate({ from: BROKER, to: process, subject, kind: 'reply', body: undefined })) {
        network.schedule(process, milliseconds(there + back), () => {
          if (network.isConnected(process)) told()
        })
      }
    }
  }

  return {
    connect(options) {
      const { process } = options
      const connection = openSimulatedConnection(options, {
        isConnected: () => network.isConnected(process),
        add: (entry) => index.add(entry.pattern, entry),
        remove(entry) {
          index.remove(entry.pattern, entry)
          groups.left(entry)
        },
        route: (message, body) => route(process, message, body),
        carry: (leg, arrived) => carry({ ...leg, from: process }, arrived),
        noResponders: (subject, body, told) => noResponders(process, subject, body, told),
      })
      connections.set(process, [...(connections.get(process) ?? []), connection])
      return connection.transport
    },
    lost(process) {
      for (const connection of connections.get(process) ?? []) connection.lost()
    },
    drop(process) {
      for (const connection of connections.get(process) ?? []) connection.kill()
      connections.delete(process)
    },
  }
}
