import type { MacAddress } from '../../../../src/api/values/mac-address.ts'
import type { NetworkNamespace } from '../../../../src/lab/namespace.ts'
import { createLabNetwork, type LabMachine, type LabNetwork } from '../../../../src/lab/network.ts'

/** The network that a NetworkAttachmentDefinition stands for, on every node that has it. */
export interface AttachedNetwork {
  /** A machine of its own on the network, e.g. for `createDhcpClient`; its interface is eth0. */
  attachClient(name: string, mac?: MacAddress): Promise<LabMachine>
}

/** A switch for each network, made when it is first asked for. */
export class Networks {
  readonly #switches = new Map<string, Promise<LabNetwork>>()

  /** @param key namespace/name of the NetworkAttachmentDefinition */
  get(key: string): AttachedNetwork {
    return {
      attachClient: async (name, mac) =>
        (await this.#switch(key)).addMachine(name, {
          interfaceName: 'eth0',
          ...(mac === undefined ? {} : { mac }),
        }),
    }
  }

  /** Plugs a pod into it. The interface has no address. */
  async plugIn(key: string, namespace: NetworkNamespace, interfaceName: string): Promise<void> {
    await (await this.#switch(key)).plugIn({ namespace, interfaceName })
  }

  async close(): Promise<void> {
    const switches = await Promise.all(this.#switches.values())
    await Promise.all(switches.map((network) => network.close()))
  }

  #switch(key: string): Promise<LabNetwork> {
    const known = this.#switches.get(key)
    if (known !== undefined) return known
    const made = createLabNetwork(key)
    this.#switches.set(key, made)
    return made
  }
}
