import { loadAll } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { packageFile } from '../../../../src/runtime/package-root.ts'
import { readAuditLog } from '../audit-log.ts'
import { grantsOf } from '../granted-rules.ts'
import type { World } from '../world.ts'

export function describeRights(world: World): void {
  describe('rights', () => {
    test('nothing that a component asked for was forbidden, and every right that it has was used', async () => {
      const manifests = loadAll(await world.system.kubectl(['kustomize', packageFile('deploy')]))
      const grants = grantsOf(manifests)
      const users = new Set(grants.map(({ user }) => user))
      const requests = await readAuditLog(world.system.controlPlane.auditLog, (user) => users.has(user))
      const forbidden = requests.filter(({ code, message = '' }) => code === 403 && !isStarting(message))
      expect(
        forbidden.map(({ user, verb, resource, message }) => `${user} ${verb} ${resource}: ${message}`),
      ).toEqual([])
      const used = new Set(
        requests.map(({ user, verb, group, resource }) => `${user} ${verb} ${group}/${resource}`),
      )
      const unused = grants
        .map(({ user, verb, group, resource }) => `${user} ${verb} ${group}/${resource}`)
        .filter((grant) => !used.has(grant))
      expect(unused).toEqual([])
    })
  })
}

/** An API server that has just started answers before it knows its own roles. */
function isStarting(message: string): boolean {
  return message.includes('clusterrole.rbac.authorization.k8s.io "system:basic-user" not found')
}
