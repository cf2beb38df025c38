import { loadAll } from 'js-yaml'
import { describe, expect, test } from 'vitest'
import { packageFile } from '../../../../src/runtime/package-root.ts'
import { type AuditedRequest, readAuditLog } from '../audit-log.ts'
import { grantsOf } from '../granted-rules.ts'
import type { World } from '../world.ts'

export function describeRights(world: World): void {
  describe('rights', () => {
    test('nothing that a component asked for was forbidden, and every right that it has was used', async () => {
      const manifests = loadAll(await world.system.kubectl(['kustomize', packageFile('deploy')]))
      const grants = grantsOf(manifests)
      const users = new Set(grants.map(({ user }) => user))
      const requests = await readAuditLog(world.system.controlPlane.auditLog, (user) => users.has(user))
      // An API server that has just started forbids what it allows a moment later: it does not know its roles yet.
      // What is created has a name that nobody asks for again.
      const scopeOf = ({ user, verb, group, resource, namespace, name }: AuditedRequest) =>
        [user, verb, group, resource, namespace, verb === 'create' ? '' : name].join(' ')
      const allowed = new Set(requests.filter(({ code }) => code !== 403).map(scopeOf))
      const forbidden = requests.filter((request) => request.code === 403 && !allowed.has(scopeOf(request)))
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
