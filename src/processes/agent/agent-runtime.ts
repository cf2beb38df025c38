import type { Logger } from 'pino'
import { type AgentActor, startAgentActor } from '../../../actors/agent/actor.ts'
import { openStateFile } from '../../../actors/agent/state-file.ts'
import type { AgentReport } from '../../../actors/pool/contracts.ts'
import type { ActorSystem } from '../../../actors/system.ts'
import type { Transport } from '../../../transports/messages/transport.ts'
import { openRawSocketTransport } from '../../../transports/packets/raw-socket.ts'
import { createUdpSink, type UdpSink } from '../../../transports/packets/udp-sink.ts'
import type { IPv4Address } from '../../api/values/ipv4-address.ts'
import type { ObjectKey } from '../../api/values/object-key.ts'
import { SERVER_PORT } from '../../dhcp/packet.ts'
import type { Store } from '../../kube/store.ts'
import type { Readiness } from '../../observe/health.ts'
import type { Clock } from '../../runtime/clock.ts'
import type { Random } from '../../runtime/random.ts'
import { startAddressKeeper } from './address-keeper.ts'
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
  ready(): Readiness
  stop(): Promise<void>
}

/**
 * An agent actor on a network interface, whose server address is put there where it is missing.
 * @throws PacketPermissionError, InterfaceNotFoundError, RawSocketUnavailableError, PacketSocketError
 */
export async function startAgentRuntime(options: AgentRuntimeOptions): Promise<AgentRuntime> {
  const { interfaceName, pool, clock, log, metrics } = options
  const packets = await openRawSocketTransport({ interfaceName, port: SERVER_PORT, clock, log })
  let serverAddress: IPv4Address | undefined
  let sink: UdpSink | undefined
  let actor: AgentActor | undefined
  const keeper = startAddressKeeper({
    interfaceName,
    clock,
    log,
    looked(problem) {
      sink?.ensure()
      actor?.interfaceChanged(problem)
    },
  })
  try {
    actor = await startAgentActor({
      ...options,
      packets,
      file: openStateFile(options.stateDirectory, pool, log),
      interfaceProblem: {
        reason: 'InterfaceUnknown',
        message: `${interfaceName} was not looked at yet`,
        serves: false,
      },
      onConfiguration(next) {
        if (next.serverAddress !== serverAddress) {
          sink?.close()
          sink = createUdpSink(next.serverAddress, SERVER_PORT, log)
        }
        serverAddress = next.serverAddress
        keeper.configured(next)
      },
      onEvent: metrics.counted,
    })
  } catch (error) {
    keeper.stop()
    await packets.close()
    throw error
  }
  const running = actor
  const unwatch = metrics.watch({ pool, leases: running.leases, packets: packets.counters })

  return {
    ready: running.ready,
    async stop() {
      unwatch()
      keeper.stop()
      sink?.close()
      await packets.close()
      await running.stop()
    },
  }
}
