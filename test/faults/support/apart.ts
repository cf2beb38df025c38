import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { writeKubeconfig } from '../../../src/embedded/kubeconfig.ts'
import { createNamespace, type NetworkNamespace } from '../../../src/lab/namespace.ts'
import { type RunningProgram, startManagedDhcp, startProgram } from '../../e2e/support/program.ts'
import { bundleForNode } from '../../lab/bundle.ts'
import { freePort } from '../../support/nats-server.ts'
import { startWithPort } from './inherited-port.ts'
import { createManagementNetwork } from './management-network.ts'
import { startPart } from './part.ts'
import { NIC, openWorld, POOL, type PoolOptions, prepareGround, type World } from './world.ts'

const ADDRESSES = { api: '10.99.0.1', nats: '10.99.0.2', controller: '10.99.0.3', agent: '10.99.0.4' }
const API_PORT = 8001
const NATS_URL = `nats://${ADDRESSES.nats}:4222`

/** Every process in a network namespace of its own: API, nats-server, controller and agent. */
export async function startApart(options: PoolOptions = {}): Promise<World> {
  const ground = await prepareGround()
  const closers = [() => ground.close()]
  const close = async () => {
    await Promise.all(closers.map((closeIt) => closeIt()))
  }
  try {
    const management = await createManagementNetwork()
    closers.push(() => management.close())
    const plugIn = (namespace: NetworkNamespace, name: keyof typeof ADDRESSES) =>
      management.plugIn(namespace, `${ADDRESSES[name]}/24`)
    const machine = async (name: keyof typeof ADDRESSES) => {
      const namespace = await createNamespace(name)
      closers.push(() => namespace.close())
      return { namespace, cable: await plugIn(namespace, name) }
    }
    const [apiHost, natsHost, controllerHost, agentCable] = await Promise.all([
      machine('api'),
      machine('nats'),
      machine('controller'),
      plugIn(ground.server, 'agent'),
    ])
    const { folder } = ground
    const kubeconfig = join(folder, 'kubeconfig')
    await writeKubeconfig(kubeconfig, { url: `http://${ADDRESSES.api}:${API_PORT}` })
    await mkdir(join(folder, 'state'))
    const bundle = await bundleForNode('test/faults/support/api-process.ts')
    const port = await freePort()

    const startApi = () => {
      const args = [bundle, join(folder, 'api'), String(API_PORT)]
      const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const
      const spawn = () => apiHost.namespace.spawn(process.execPath, args, { stdio: [...stdio] })
      return startWithPort(spawn, 'api', port)
    }
    const startNats = async (): Promise<RunningProgram> => {
      // It logs on stderr.
      const program = startProgram(natsHost.namespace, 'sh', ['-c', 'exec nats-server -a 0.0.0.0 2>&1'])
      await program.says(/Server is ready/)
      return program
    }
    const startController = async () =>
      startManagedDhcp(controllerHost.namespace, [
        ...['controller', '--kubeconfig', kubeconfig, '--nats', NATS_URL, '--health', '127.0.0.1:9001'],
      ])
    const startAgent = async () =>
      startManagedDhcp(ground.server, [
        ...['agent', '--ippool-ref', `${POOL.namespace}/${POOL.name}`, '--nic', NIC, '--nats', NATS_URL],
        ...['--kubeconfig', kubeconfig, '--state-dir', join(folder, 'state'), '--health', '127.0.0.1:9002'],
      ])
    const parts = [
      await startPart('api', startApi, { cable: apiHost.cable }),
      await startPart('nats', startNats, { cable: natsHost.cable }),
      await startPart('controller', startController, { cable: controllerHost.cable }),
      await startPart('agent', startAgent, { cable: agentCable, answers: ground.answers }),
    ]
    const world = await openWorld(ground, parts, port, options)
    return {
      ...world,
      async close() {
        await world.close()
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}
