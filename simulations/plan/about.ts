import type { Operation } from './operations.ts'

/** The objects, MAC addresses and addresses that an operation is about. */
export function aboutOperation(operation: Operation): string[] {
  const names: string[] = []
  if ('vm' in operation) names.push(`default/${operation.vm}`)
  if ('pool' in operation) names.push(`default/${operation.pool}`)
  if (operation.type === 'vm-create') names.push(...operation.nics.map(({ mac }) => mac))
  if (operation.type === 'nic-add') names.push(operation.nic.mac)
  if (operation.type === 'mac-change') names.push(operation.mac)
  if (operation.type === 'pin' && operation.pin !== undefined) names.push(operation.pin)
  return names
}
