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
      const forbidden = requests.filter(({ code }) => code === 403)
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
