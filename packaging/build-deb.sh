#!/bin/sh
# Builds the Debian package: build-deb.sh VERSION leaves build/authbridge_VERSION_ARCH.deb. The
# source tree with debian/ in its place is assembled below build/deb: neither git nor a clean tree
# is needed.
set -eu
cd "$(dirname "$0")/.."

version=$1
tree=build/deb/authbridge-$version
log=build/deb/build.log

rm -rf build/deb
mkdir -p "$tree"
cp -R Makefile README.md LICENSE proxy.ini.example src include docs packaging "$tree"
cp -R packaging/debian "$tree/debian"
cat >"$tree/debian/changelog" <<EOF
authbridge ($version) unstable; urgency=medium

  * Version $version.

 -- The authbridge maintainers <maintainers@authbridge.example>  $(date -R -u -r Makefile)
EOF

# DEB_BUILD_OPTIONS: no package with debugging symbols. MAKEFLAGS and the like are not for the inner make.
if ! (cd "$tree" && env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL -u MODE -u CI -u BUILD \
    DEB_BUILD_OPTIONS="noautodbgsym ${DEB_BUILD_OPTIONS:-}" \
    dpkg-buildpackage -b -us -uc) >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    exit 1
fi
mv build/deb/*.deb build/
echo "build/$(basename "$(ls build/authbridge_"$version"_*.deb)")"
