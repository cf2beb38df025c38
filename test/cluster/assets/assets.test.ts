import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packageFile } from '../../../src/runtime/package-root.ts'

/** As on a machine without Go, with what a folder of envtest holds. */
function build(programs: readonly string[], environment: Record<string, string> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'assets-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  const [assets, path] = [join(directory, 'assets'), join(directory, 'bin')]
  for (const folder of [assets, path]) mkdirSync(folder)
  const goMod = readFileSync(packageFile('test', 'cluster', 'tools', 'go.mod'), 'utf8')
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(goMod)?.[1]
  for (const program of programs) {
    writeFileSync(join(assets, program), `#!/bin/sh\necho Kubernetes v${version}\n`)
    chmodSync(join(assets, program), 0o755)
  }
  symlinkSync(process.execPath, join(path, 'node'))
  const env = { PATH: path, GOROOT: directory, XDG_CACHE_HOME: directory, KUBEBUILDER_ASSETS: assets }
  const script = packageFile('test', 'cluster', 'assets', 'build.mjs')
  const { status, stderr } = spawnSync(process.execPath, [script], {
    cwd: dirname(script),
    encoding: 'utf8',
    env: { ...env, ...environment },
  })
  return { status, stderr }
}

test('the three programs of envtest are enough to begin with, and what is missing is told', () => {
  const { status, stderr } = build(['etcd', 'kube-apiserver', 'kubectl'])
  expect(stderr).toMatch(/^without kube-controller-manager and kube-scheduler.*tests that need pods fail/)
  expect(stderr).toMatch(/needs Go .*install it from/)
  expect(status).toBe(0)
})

test('without one of the three, and without Go to build it, nothing is begun', () => {
  const { status, stderr } = build(['etcd', 'kubectl'])
  expect(stderr).toMatch(/^managed-dhcp: building Kubernetes .* needs Go /)
  expect(status).toBe(2)
})

test('without any, it is the same', () => {
  expect(build([], { KUBEBUILDER_ASSETS: '' }).status).toBe(2)
})
