import * as z from 'zod'
import { type IPv4Address, parseIPv4Address } from './values/ipv4-address.ts'
import { type MacAddress, parseMacAddress } from './values/mac-address.ts'
import { type ObjectKey, parseObjectKey } from './values/object-key.ts'
import {
  MAC_ADDRESS_ANNOTATION,
  STATIC_ADDRESS_ANNOTATION_PREFIX,
  type VirtualMachine,
  type VirtualMachineInstance,
} from './virtual-machine.ts'

/** One NIC of a VM on a secondary network, ready to ask for an address. */
export interface VmInterface {
  name: string
  mac: MacAddress
  network: ObjectKey
  /** The address that the VM asks for, if it does; a pin that cannot be read is a problem, and pins nothing new. */
  pin: IPv4Address | 'malformed' | undefined
}

export interface VmInterfaces {
  interfaces: readonly VmInterface[]
  /** Networks of NICs whose MAC nobody knows yet, or cannot be read, one entry a NIC. */
  waiting: readonly ObjectKey[]
  /** What was left out and why, for people: a malformed MAC, an unknown network name. */
  problems: readonly string[]
}

const macAnnotationSchema = z.record(z.string(), z.string())

/**
 * The NICs that a VM has on secondary (multus) networks. The MAC is that of the spec, else that of the annotation
 * `harvesterhci.io/mac-address`, else the running instance's; a NIC without any waits for one and is not a problem.
 */
export function vmInterfaces(vm: VirtualMachine, instance: VirtualMachineInstance | undefined): VmInterfaces {
  const problems: string[] = []
  const waiting: ObjectKey[] = []
  const { domain, networks = [] } = vm.spec.template.spec
  const annotated = annotatedMacs(vm, problems)
  const running = new Map(instance?.status?.interfaces?.map(({ name, mac }) => [name, mac]))

  const interfaces = (domain?.devices?.interfaces ?? []).flatMap((nic): VmInterface[] => {
    const networkName = networks.find((network) => network.name === nic.name)?.multus?.networkName
    const macText = nic.macAddress || annotated[nic.name] || running.get(nic.name)
    if (nic.state === 'absent' || networkName === undefined) return []
    const read = <T>(parse: () => T): T | undefined => {
      try {
        return parse()
      } catch (error) {
        problems.push(`interface ${nic.name}: ${error instanceof Error ? error.message : String(error)}`)
        return undefined
      }
    }
    const network = read(() => parseObjectKey(networkName, vm.metadata.namespace))
    if (network === undefined) return []
    const mac = macText ? read(() => parseMacAddress(macText)) : undefined
    if (mac === undefined) {
      waiting.push(network)
      return []
    }
    return [{ name: nic.name, mac, network, pin: pinOf(vm, nic.name, problems) }]
  })
  return { interfaces, waiting, problems: [...problems, ...pinsOfNobody(vm)] }
}

/** A pin that names no interface is a slip of the pen, and would be passed over in silence. */
function pinsOfNobody(vm: VirtualMachine): string[] {
  const names = (vm.spec.template.spec.domain?.devices?.interfaces ?? []).map(({ name }) => name)
  const known = new Set(names.map((name) => `${STATIC_ADDRESS_ANNOTATION_PREFIX}${name}`))
  return Object.keys(vm.metadata.annotations ?? {})
    .filter((key) => key.startsWith(STATIC_ADDRESS_ANNOTATION_PREFIX) && !known.has(key))
    .map((key) => `annotation ${key}: the VM has no such interface; it has ${names.join(', ') || 'none'}`)
}

function pinOf(vm: VirtualMachine, nic: string, problems: string[]): VmInterface['pin'] {
  const annotation = `${STATIC_ADDRESS_ANNOTATION_PREFIX}${nic}`
  const text = vm.metadata.annotations?.[annotation]?.trim()
  if (!text) return undefined
  try {
    return parseIPv4Address(text)
  } catch (error) {
    problems.push(`annotation ${annotation}: ${error instanceof Error ? error.message : String(error)}`)
    return 'malformed'
  }
}

function annotatedMacs(vm: VirtualMachine, problems: string[]): Record<string, string> {
  const text = vm.metadata.annotations?.[MAC_ADDRESS_ANNOTATION]
  if (text === undefined) return {}
  try {
    return macAnnotationSchema.parse(JSON.parse(text))
  } catch {
    problems.push(`the annotation ${MAC_ADDRESS_ANNOTATION} must look like {"nic-1":"ca:70:82:e6:84:6e"}`)
    return {}
  }
}
