import { join } from 'node:path'
import { builtProgram } from '../../e2e/support/build.ts'
import { freePort } from '../../support/nats-server.ts'
import { startWithPort } from './inherited-port.ts'
import { startPart } from './part.ts'
import { type Ground, NIC, openWorld, POOL, type PoolOptions, prepareGround, type World } from './world.ts'

export interface TogetherOptions extends PoolOptions {
  /** Before the first start: a disk for the data directory, say. */
  readonly prepare?: (ground: Ground) => Promise<void>
}

export const DATA_DIRECTORY = 'data'

/** `managed-dhcp standalone`: API, message bus, controller and agent in one process. */
export async function startTogether({ prepare, ...pool }: TogetherOptions = {}): Promise<World> {
  const ground = await prepareGround()
  try {
    await prepare?.(ground)
    const port = await freePort()
    const standalone = await startPart('standalone', () => startStandalone(ground, port), {
      answers: ground.answers,
    })
    return await openWorld(ground, [standalone], port, pool)
  } catch (error) {
    await ground.close()
    throw error
  }
}

function startStandalone({ server, folder }: Ground, port: number) {
  const args = [
    ...[builtProgram(), 'standalone', '--data-dir', join(folder, DATA_DIRECTORY), '--listen', 'inherited'],
    ...['--network', `${POOL.namespace}/${POOL.name}=${NIC}`],
  ]
  const spawn = () => server.spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'] })
  return startWithPort(spawn, 'standalone', port)
}
