import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { packageFile } from '../../src/runtime/package-root.ts'

test('the templates of the Helm chart are made of the kustomize bases as they are now', async () => {
  const builder = packageFile('deploy', 'chart', 'build.mjs')
  const { stderr } = await promisify(execFile)(process.execPath, [builder, '--check'])
  expect(stderr).toBe('')
})
