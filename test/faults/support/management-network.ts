import { createNamespace, type NetworkNamespace } from '../../../src/lab/namespace.ts'
import { connect } from '../../../src/lab/network.ts'

/** One end of it is in a namespace, the other one in the switch. */
export interface Cable {
  /** Nothing comes through any more; nobody is told. */
  cut(): Promise<void>
  mend(): Promise<void>
}

/** A switch between processes that live in namespaces. */
export interface ManagementNetwork {
  /** @param address e.g. 10.99.0.1/24 */
  plugIn(namespace: NetworkNamespace, address: string): Promise<Cable>
  close(): Promise<void>
}

const BRIDGE = 'switch0'
const INTERFACE = 'mgmt0'

export async function createManagementNetwork(): Promise<ManagementNetwork> {
  const hub = await createNamespace('management')
  await hub.exec('ip', ['link', 'add', BRIDGE, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0'])
  await hub.exec('ip', ['link', 'set', BRIDGE, 'up'])
  let ports = 0
  return {
    async plugIn(namespace, address) {
      const port = `port${ports++}`
      await connect({ namespace: hub, interfaceName: port }, { namespace, interfaceName: INTERFACE })
      await namespace.exec('ip', ['address', 'add', address, 'dev', INTERFACE])
      const mend = async () => {
        await hub.exec('ip', ['link', 'set', port, 'master', BRIDGE])
      }
      await mend()
      return {
        mend,
        cut: async () => {
          await hub.exec('ip', ['link', 'set', port, 'nomaster'])
        },
      }
    },
    close: () => hub.close(),
  }
}
