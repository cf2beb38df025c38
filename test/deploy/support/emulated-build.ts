import type { Stage } from './dockerfile.ts'

/**
 * A shell script that does what a builder would, without one: each stage is this machine's own file system with a layer
 * over it, so that a stage's layer holds just what its instructions wrote.
 *
 * What differs from a build: the base images are this machine (its Node.js, Debian and compiler, for which the headers
 * are where the base has them), packages of npm come from its cache, and of Debian's it is only seen that they exist.
 *
 * @param context the folder that COPY copies from
 * @param work an empty folder
 * @param after run at the end, with the image at $IMAGE, read-only, and its layer at $LAYER
 */
export function emulatedBuild(
  stages: readonly Stage[],
  context: string,
  work: string,
  after: string,
): string {
  const lines = ['set -eu', `mount -t tmpfs tmpfs ${work}`]
  for (const [index, stage] of stages.entries()) {
    const at = `${work}/${stage.name ?? 'image'}`
    const root = `${at}/root`
    lines.push(
      `echo "== stage ${stage.name ?? index}: ${stage.base}" >&2`,
      `mkdir -p ${at}/layer ${at}/overlay ${root}`,
      `mount -t overlay overlay -o lowerdir=/,upperdir=${at}/layer,workdir=${at}/overlay ${root}`,
      `mount -t proc proc ${root}/proc`,
      `mount --rbind /dev ${root}/dev`,
      `mount -t tmpfs tmpfs ${root}/tmp`,
      // What is mounted over a file here is not below the layer.
      `mount --bind /etc/resolv.conf ${root}/etc/resolv.conf`,
      `mount --bind /etc/hosts ${root}/etc/hosts`,
    )
    lines.push(...instructionsOf(stage, { root, context, work }))
  }
  const image = `${work}/image`
  lines.push(`IMAGE=${image}/root LAYER=${image}/layer`, 'mount -o remount,ro "$IMAGE"', after)
  return `${lines.join('\n')}\n`
}

function instructionsOf(stage: Stage, places: { root: string; context: string; work: string }): string[] {
  const { root, context, work } = places
  let folder = '/'
  // npm takes what the installation of this project has left in its cache: the cluster tests have no network.
  const environment = ['npm_config_offline=true']
  return stage.instructions.flatMap(({ name, text }) => {
    switch (name) {
      case 'WORKDIR':
        folder = text
        return [`mkdir -p ${root}${folder}`]
      case 'ENV':
        environment.push(text)
        // The base has the headers of Node.js in /usr/local, this machine in /usr.
        if (text !== 'npm_config_nodedir=/usr/local') return []
        return [
          `mkdir -p ${root}/usr/local/include`,
          `ln -sfn /usr/include/node ${root}/usr/local/include/node`,
        ]
      case 'COPY': {
        const [, from, rest = ''] = /^(?:--from=(\w+) )?(.*)$/.exec(text) ?? []
        const paths = rest.split(' ')
        const target = `${root}${folder}/${paths.pop()}`
        const source = from === undefined ? context : `${work}/${from}/root`
        const isMany = paths.length > 1 || target.endsWith('/')
        // As Docker does: of a folder its content, of a file the file.
        return paths.map((path) =>
          [
            `if [ -d ${source}/${path} ]; then mkdir -p ${target} && cp -a ${source}/${path}/. ${target}/`,
            `else mkdir -p ${isMany ? target : `$(dirname ${target})`} && cp -a ${source}/${path} ${target}; fi`,
          ].join('\n'),
        )
      }
      case 'RUN':
        return [
          `chroot ${root} /usr/bin/env ${environment.join(' ')} /bin/sh -euc '${runnable(text, folder)}'`,
        ]
      case 'LABEL':
      case 'USER':
      case 'ENTRYPOINT':
        return []
      default:
        throw new Error(`the emulation does not know ${name}`)
    }
  })
}

function runnable(text: string, folder: string): string {
  const emulated = text
    .replace('apt-get update', 'true')
    .replaceAll(
      /apt-get install --yes --no-install-recommends ([a-z0-9 -]+)/g,
      'apt-cache show $1 >/dev/null',
    )
  if (/apt-get|'/.test(emulated)) throw new Error(`the emulation cannot run this: ${text}`)
  return `cd ${folder} && ${emulated}`
}
