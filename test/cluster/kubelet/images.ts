import { realpathSync } from 'node:fs'
import { dirname } from 'node:path'
import { packageFile } from '../../../src/runtime/package-root.ts'
import type { Image, ImageTable } from './spec/image.ts'

/** An image with Node.js, this project's folder and its packages, that runs a script. */
export function nodeImage(script: string, options: Omit<Image, 'entrypoint'> = {}): Image {
  return {
    ...options,
    entrypoint: [process.execPath, script],
    paths: [...nodeFolder(), ...projectFolders(), ...(options.paths ?? [])],
  }
}

/** The image of this project, any tag: what `npm run build` made. Its entry point is the program, as in deploy/. */
export const managedDhcpImage = (): Image => nodeImage(packageFile('dist', 'src', 'main.js'))

/** Debian's nats-server with the entry point of the official image: options alone are given to nats-server. */
export const natsImage = (): Image => ({
  entrypoint: [
    ...['sh', '-c', 'case "$1" in -*) set -- nats-server "$@" ;; esac; exec "$@"'],
    'docker-entrypoint.sh',
  ],
  cmd: ['nats-server', '-a', '0.0.0.0'],
})

/** What the manifests of this project name. */
export const projectImages = (): ImageTable => ({ 'managed-dhcp*': managedDhcpImage(), 'nats*': natsImage() })

/** /usr is in every container; a Node.js of another place is brought along. */
function nodeFolder(): string[] {
  const prefix = dirname(dirname(process.execPath))
  return prefix.startsWith('/usr') ? [] : [prefix]
}

/** node_modules may be a link to another place. */
function projectFolders(): string[] {
  const root = packageFile()
  const packages = realpathSync(packageFile('node_modules'))
  return packages.startsWith(root) ? [root] : [root, packages]
}
