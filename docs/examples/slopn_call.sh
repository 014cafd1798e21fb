#!/bin/sh
# Any unary call of slopn's API from a shell, without slopnctl:
#
#   slopn_call.sh [-s SOCKET] [-p PROTO_DIR] METHOD [REQUEST]
#
#   slopn_call.sh GetStatus
#   slopn_call.sh Connect 'profile: "home"'
#   slopn_call.sh Gateway/ListSessions 'page_size: 10'
#
# REQUEST and the answer are protobuf's text format (protoc --encode, --decode). A gRPC call is an
# HTTP/2 POST whose body is one flag byte, four bytes of length and the message; curl makes it.
#
# Needs: curl with HTTP/2 and protoc (apt install curl protobuf-compiler).
# Exit codes: 0 done, 1 the daemon refused, 2 wrong usage, 3 the daemon cannot be reached.
set -eu

socket=/run/slopn/slopnd.sock
proto_dir=$(dirname "$0")/../../proto
while getopts s:p: option; do
  case $option in
    s) socket=$OPTARG ;;
    p) proto_dir=$OPTARG ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))
if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: slopn_call.sh [-s SOCKET] [-p PROTO_DIR] METHOD [REQUEST]" >&2
  exit 2
fi
for tool in curl protoc; do
  command -v "$tool" >/dev/null || { echo "slopn_call: $tool is missing" >&2; exit 2; }
done

case $1 in
  */*) service=${1%/*} method=${1#*/} ;;
  *) service=Control method=$1 ;;
esac
package=slopn.control.v1

convert() { # --encode=MESSAGE | --decode=MESSAGE
  protoc --proto_path="$proto_dir" "$1" slopn/control/v1/control.proto
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

printf '%s' "${2:-}" | convert "--encode=$package.${method}Request" >"$work/message" || exit 2

size=$(wc -c <"$work/message")
{
  # 0: not compressed. printf knows bytes in octal.
  # shellcheck disable=SC2059
  printf "$(printf '\\000\\%03o\\%03o\\%03o\\%03o' \
    $((size >> 24 & 255)) $((size >> 16 & 255)) $((size >> 8 & 255)) $((size & 255)))"
  cat "$work/message"
} >"$work/request"

curl --silent --show-error --http2-prior-knowledge --unix-socket "$socket" --max-time 30 \
  --header 'content-type: application/grpc' --header 'te: trailers' \
  --data-binary "@$work/request" --dump-header "$work/headers" --output "$work/answer" \
  "http://localhost/$package.$service/$method" || exit 3

# The verdict comes behind the body, as trailers; a call that fails at once has nothing else.
trailer() { # NAME
  tr -d '\r' <"$work/headers" | sed -n "s/^$1: //p" | tail -n 1
}
status=$(trailer grpc-status)
if [ "$status" != 0 ]; then
  # The message is percent-encoded.
  echo "slopn_call: $method: ${status:-no answer}: $(trailer grpc-message | sed 's/%20/ /g; s/%22/"/g; s/%27/'\''/g')" >&2
  exit 1
fi
tail -c +6 "$work/answer" | convert "--decode=$package.${method}Response"
