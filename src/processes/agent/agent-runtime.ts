import type { Logger } from 'pino'
import { type AgentActor, startAgentActor } from '../../../actors/agent/actor.ts'
import { openStateFile } from '../../../actors/agent/state-file.ts'
import type { AgentReport } from '../../../actors/pool/contracts.ts'
import type { ActorSystem } from '../../../actors/system.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import { openRawSocketTransport } from '../../../transports/packets/raw-socket.ts'
import { createUdpSink, type UdpSink } from '../../../transports/packets/udp-sink.ts'
import type { PoolConfiguration } from '../../api/pool-configuration.ts'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { seconds } from '../../api/values/time.ts'
import { SERVER_PORT } from '../../dhcp/packet.ts'
import type { Store } from '../../kube/store.ts'
import { ensureAddress } from '../../network/interface-address.ts'
import type { Cancel, Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import type { AgentMetrics } from './agent-metrics.ts'

export interface AgentRuntimeOptions {
  pool: ObjectKey
  interfaceName: string
  pod: AgentReport['pod']
  stateDirectory: string
  system: ActorSystem
  store: Store
  transport: Transport
  metrics: AgentMetrics
  clock: Clock
  random: Random
  log: Logger
}

export interface AgentRuntime {
  notReady(): string | undefined
  stop(): Promise<void>
}

const ADDRESS_CHECK = seconds(5)

/**
 * An agent actor on a network interface, whose server address is put there where it is missing.
 * @throws PacketPermissionError, InterfaceNotFoundError, RawSocketUnavailableError, PacketSocketError
 */
export async function startAgentRuntime(options: AgentRuntimeOptions): Promise<AgentRuntime> {
  const { interfaceName, pool, clock, log, metrics } = options
  const packets = await openRawSocketTransport({ interfaceName, port: SERVER_PORT, clock, log })
  let configuration: PoolConfiguration | undefined
  let sink: UdpSink | undefined
  let addressProblem: string | undefined
  let cancelCheck: Cancel = () => {}
  let isStopped = false

  async function checkAddress(): Promise<void> {
    if (configuration === undefined || isStopped) return
    const { serverAddress, subnet } = configuration
    try {
      await ensureAddress(interfaceName, serverAddress, subnet.prefixLength)
      addressProblem = undefined
      sink?.ensure()
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      // Broadcasts are answered all the same; only renewals by unicast need the address. Said once.
      if (problem !== addressProblem) log.warn({ err: error, interface: interfaceName }, problem)
      addressProblem = problem
    }
  }

  function checkForever(): void {
    cancelCheck = clock.after(ADDRESS_CHECK, () => {
      void checkAddress().finally(() => {
        if (!isStopped) checkForever()
      })
    })
  }

  let actor: AgentActor
  try {
    actor = await startAgentActor({
      ...options,
      packets,
      file: openStateFile(options.stateDirectory, pool, log),
      onConfiguration(next) {
        if (next.serverAddress !== configuration?.serverAddress) {
          sink?.close()
          sink = createUdpSink(next.serverAddress, SERVER_PORT, log)
        }
        configuration = next
        void checkAddress()
      },
      onEvent: metrics.counted,
    })
  } catch (error) {
    await packets.close()
    throw error
  }
  checkForever()
  const unwatch = metrics.watch({ pool, leases: actor.leases, packets: packets.counters })

  return {
    notReady: () => actor.notReady() ?? addressProblem,
    async stop() {
      isStopped = true
      unwatch()
      cancelCheck()
      sink?.close()
      await packets.close()
      await actor.stop()
    },
  }
}
