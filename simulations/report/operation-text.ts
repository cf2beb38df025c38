import type { NicPlan, Operation } from '../plan/operations.ts'
import { printable } from './text.ts'

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
    case 'nic-add':
      return `add to VM ${operation.vm} ${describeNic(operation.nic)}`
    case 'nic-remove':
      return `remove ${operation.nic} of VM ${operation.vm}`
    case 'nic-move':
      return `move ${operation.nic} of VM ${operation.vm} to network ${operation.network}`
    case 'mac-change':
      return `change the MAC address of ${operation.nic} of VM ${operation.vm} to ${operation.mac}`
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
      return `delete IPPool ${operation.pool}`
    case 'pool-create':
      return `create IPPool ${operation.pool}`
    case 'status-edit':
      return `edit the status of IPPool ${operation.pool} by hand: ${JSON.stringify(operation.status)}`
  }
}

function describeNic(nic: NicPlan): string {
  return `${nic.name} ${nic.mac} on ${nic.network}${nic.pin === undefined ? '' : `, pinned to ${nic.pin}`}`
}
