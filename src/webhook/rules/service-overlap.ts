import type { FieldProblem } from '../../api/field-problem.ts'
import { type Cidr, formatCidr } from '../../api/values/cidr.ts'
import type { ServiceRange } from '../cluster-view.ts'
import { subnetsOverlap } from './special-addresses.ts'

/** A VM with an address of the cluster's Services could not reach them, and nobody it. */
export function serviceOverlap(subnet: Cidr, services: readonly ServiceRange[]): readonly FieldProblem[] {
  return services
    .filter((service) => subnetsOverlap(subnet, service.subnet))
    .map((service) => ({
      path: 'spec.ipv4Config.cidr',
      message:
        `${formatCidr(subnet)} overlaps the addresses of the cluster's Services, ${formatCidr(service.subnet)} ` +
        `(${service.source}); choose another subnet`,
    }))
}
