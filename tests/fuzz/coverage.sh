#!/bin/sh
# Shows which branches of the sources that it feeds each fuzz target's committed inputs take:
# coverage.sh DIRECTORY TARGET...; the directory holds the targets, built for coverage.
set -eu

directory=$1
shift
llvm=$(dirname "$(readlink -f "$(command -v clang)")")

sources_of() {
    case $1 in
    request_head) echo http_head http_request http_field http_body rewrite forwarded ;;
    response_head) echo http_head http_response http_field http_body rewrite ;;
    chunked) echo http_body ;;
    config) echo config config_table config_set config_fields config_check config_describe ini_file unit value ;;
    exchange) echo exchange relay upload download tunnel client answer rewrite ;;
    *) echo "$1" ;;
    esac
}

for target in "$@"; do
    profile=$directory/$target
    # An input that makes the target wait for a time-out is no fault here.
    LLVM_PROFILE_FILE=$profile.profraw "$directory/fuzz_$target" -runs=0 -timeout=60 -artifact_prefix="$directory/" \
        "tests/fuzz/corpus/$target" 2>"$profile.log" || { tail -n 40 "$profile.log"; exit 1; }
    "$llvm/llvm-profdata" merge -o "$profile.profdata" "$profile.profraw"
    # shellcheck disable=SC2046 # a list of words
    set -- $(sources_of "$target" | tr ' ' '\n' | sed 's|.*|src/&.c|')
    echo "$target: $(find "tests/fuzz/corpus/$target" -type f | wc -l) inputs"
    "$llvm/llvm-cov" report "$directory/fuzz_$target" -instr-profile="$profile.profdata" \
        -show-region-summary=false -show-functions=false "$@" |
        awk '/\.c / { sub(".*/", "", $1); printf "  %-20s lines %7s  branches %7s\n", $1, $7, $10 }'
done
