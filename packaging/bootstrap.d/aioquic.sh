# shellcheck shell=bash
# aioquic, an independent QUIC and HTTP/3 stack in Python, for tests/conformance/interop.
#
# Debian 12 has no aioquic, so Debian 13's packages are unpacked to build/deps/python.d, and
# build/deps/python points at the modules in it. Use it as
#
#   PYTHONPATH=build/deps/python /usr/bin/python3 ...
#
# Nothing is installed, and nothing in it ends up in slopn. When something cannot be had, the tests
# that need it are skipped and say so; building slopn never fails because of this file.

python_dir="$SLOPN_DEPS/python.d"
modules_dir="$python_dir/usr/lib/python3/dist-packages"

fetch_python_packages() {
  local package
  for package in aioquic attr certifi cryptography openssl pyasn1 pyasn1-modules pylsqpack \
    service-identity typing-extensions; do
    private_fetch trixie "python3-$package" "$python_dir" || return 1
  done
  # Bound to the minor version of the interpreter, so it comes from the machine's own release.
  private_fetch "$SLOPN_CODENAME" python3-cffi-backend "$python_dir" || return 1
  ln -sfn "${modules_dir#"$SLOPN_DEPS/"}" "$SLOPN_DEPS/python"
}

works() {
  PYTHONPATH="$SLOPN_DEPS/python" PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 - <<'PY' 2>"$SLOPN_DEPS/log/aioquic.log"
import pylsqpack, aioquic.h3.connection, aioquic.quic.connection
_, block = pylsqpack.Encoder().encode(0, [(b":method", b"CONNECT"), (b"a", b"b")])
assert pylsqpack.Decoder(0, 0).feed_header(0, block)[1][1] == (b"a", b"b")
PY
}

# Debian's binary is built with the headers of Python 3.13, which use another form of argument
# parsing than older interpreters have. One call of the compiler makes the right one.
rebuild_pylsqpack() {
  local suite version key source="$SLOPN_DEPS/src/pylsqpack" include="$SLOPN_DEPS/python-headers"
  version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  for suite in trixie forky sid; do
    (private_source "$suite" pylsqpack) 2>>"$SLOPN_DEPS/log/aioquic.log" && break
  done
  [ -e "$source/src/pylsqpack/binding.c" ] || return 1
  private_fetch "$SLOPN_CODENAME" "libpython$version-dev" "$include" || return 1
  key="$version $(sha256sum <"$source/src/pylsqpack/binding.c")"
  if built pylsqpack "$key" && works; then return 0; fi
  say "building pylsqpack"
  rm -f "$modules_dir"/pylsqpack/_binding*.so
  cp "$source/src/pylsqpack/__init__.py" "$modules_dir/pylsqpack/"
  run_logged pylsqpack gcc -O2 -shared -fPIC -w -DPY_SSIZE_T_CLEAN \
    -I"$include/usr/include/python$version" -idirafter "$include/usr/include" \
    -I"$source/vendor/ls-qpack" -I"$source/vendor/ls-qpack/deps/xxhash" \
    -o "$modules_dir/pylsqpack/_binding.abi3.so" "$source/src/pylsqpack/binding.c" \
    "$source/vendor/ls-qpack/lsqpack.c" "$source/vendor/ls-qpack/deps/xxhash/xxhash.c"
  mark_built pylsqpack "$key"
}

new_enough() { /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 13))'; }

# In a subshell, because some helpers end the shell on errors.
if ! (fetch_python_packages && { new_enough || rebuild_pylsqpack; } && works); then
  say "aioquic is not usable here (see $SLOPN_DEPS/log/aioquic.log): its tests will be skipped"
fi
