import type { NicPlan, Operation } from '../plan/operations.ts'
import { printable } from './text.ts'
import { formatLength } from './time-text.ts'

/** One operation as a short line, without its time. */
export function describeOperation(operation: Operation): string {
  return printable(sentence(operation))
}

function sentence(operation: Operation): string {
  switch (operation.type) {
    case 'vm-create':
      return `create VM ${operation.vm}${operation.running ? ', running,' : ''} with ${operation.nics.map(describeNic).join(' and ')}`
    case 'vm-start':
      return `start VM ${operation.vm}`
    case 'vm-stop':
      return `stop VM ${operation.vm}`
    case 'vm-delete':
      return `delete VM ${operation.vm}`
    case 'guest-reboot':
      return `the guest of VM ${operation.vm} reboots`
    case 'vm-migrate':
      return `migrate VM ${operation.vm} to another node`
    case 'guest-pause':
      return `pause the guest of VM ${operation.vm} for ${formatLength(operation.lasts)}; its clock ${clock(operation)}`
    case 'guest-snapshot':
      return `take a snapshot of VM ${operation.vm}`
    case 'guest-restore':
      return operation.what === 'disk'
        ? `the guest of VM ${operation.vm} boots from the disk of its snapshot`
        : `the guest of VM ${operation.vm} goes on from its snapshot; its clock ${clock(operation)}`
    case 'node-lost':
      return `the node of VM ${operation.vm} is lost for ${formatLength(operation.lasts)}; the guest runs on there${operation.isCutOff ? ', cut off from its networks' : ''}`
    case 'force-delete':
      return operation.what === 'machine'
        ? `force the deletion of VM ${operation.vm}, whose node is lost`
        : `force the deletion of the instance of VM ${operation.vm}, whose node is lost`
    case 'nic-add':
      return `add to VM ${operation.vm} ${describeNic(operation.nic)}`
    case 'nic-remove':
      return `remove ${operation.nic} of VM ${operation.vm}`
    case 'nic-move':
      return `move ${operation.nic} of VM ${operation.vm} to network ${operation.network}${when(operation)}`
    case 'mac-change':
      return `change the MAC address of ${operation.nic} of VM ${operation.vm} to ${operation.mac}${when(operation)}`
    case 'pin':
      return operation.pin === undefined
        ? `unpin ${operation.nic} of VM ${operation.vm}`
        : `pin ${operation.nic} of VM ${operation.vm} to ${operation.pin}`
    case 'config-pause':
      return `${operation.paused ? 'pause' : 'resume'} the VirtualMachineNetworkConfig of VM ${operation.vm}`
    case 'config-delete':
      return `delete the VirtualMachineNetworkConfig of VM ${operation.vm}`
    case 'pool-edit':
      return `edit IPPool ${operation.pool}: ${JSON.stringify(operation.spec)}`
    case 'pool-delete':
      return `delete ${poolName(operation)}`
    case 'pool-create':
      return `create ${poolName(operation)}`
    case 'status-edit':
      return `edit the status of IPPool ${operation.pool} by hand: ${JSON.stringify(operation.status)}`
  }
}

function describeNic(nic: NicPlan): string {
  const { macIn, pin, bareName } = nic
  const notes = [
    macIn === 'annotation' && ', its MAC in an annotation',
    macIn === 'instance' && ', its MAC chosen at each start',
    bareName && ', named without its namespace',
    pin !== undefined && `, pinned to ${pin}`,
  ]
  return `${nic.name} ${nic.mac} on ${nic.network}${notes.filter(Boolean).join('')}`
}

function poolName({ pool, rival }: { readonly pool: string; readonly rival?: true | undefined }): string {
  return rival ? `the second IPPool on the network of ${pool}` : `IPPool ${pool}`
}

/** What does not come to the guest at once. */
function when({ follows }: { readonly follows?: 'restart' | undefined }): string {
  return follows === undefined ? '' : '; the guest follows when it is started again'
}

function clock({ clock }: { readonly clock: 'stood-still' | 'put-right' }): string {
  return clock === 'put-right' ? 'is put right' : 'stands still meanwhile'
}
