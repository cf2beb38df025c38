import type { Operation } from './operations.ts'
import { type Plan, poolOf } from './plan.ts'

/** The objects, MAC addresses and addresses that an operation is about. */
export function aboutOperation(operation: Operation, { networks }: Pick<Plan, 'networks'>): string[] {
  const names: string[] = []
  if ('vm' in operation) names.push(`default/${operation.vm}`)
  if ('pool' in operation) {
    const network = networks.find(({ name }) => name === operation.pool)
    const { namespace, name } = poolOf(network ?? { name: operation.pool })
    names.push(`${namespace}/${name}`)
  }
  if (operation.type === 'vm-create') names.push(...operation.nics.map(({ mac }) => mac))
  if (operation.type === 'nic-add') names.push(operation.nic.mac)
  if (operation.type === 'mac-change') names.push(operation.mac)
  if (operation.type === 'pin' && operation.pin !== undefined) names.push(operation.pin)
  return names
}
