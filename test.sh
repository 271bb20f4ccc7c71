#!/bin/sh
# SPDX-License-Identifier: MIT
# All tests, from scratch: installs missing packages (Debian 12, as root), builds with gcc, with sanitizers and with
# clang, runs all suites and the linters. The last line is: N passed, N failed, N skipped.
#
# Usage: ./test.sh [SUITE...]    only these of: unit tools cli fuzz sim netns vm sanitizers lint
#
# WIRESPAN_TEST_AGAIN=1: a program in namespaces or guests that failed beside the others is run again by itself, and
# what failed at first is listed as "again". For shared hosts, which stop for seconds at times.
set -u
cd "$(dirname "$0")" || exit 1
. tools/prepare.sh
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 PYTHONDONTWRITEBYTECODE=1

quick='unit tools cli fuzz sim'
cores=$(nproc)
wanted=${*:-$quick sanitizers netns vm lint}
logs=build/test-logs
results=

wants()
{
	case " $wanted " in
	*" $1 "*) return 0 ;;
	esac
	return 1
}

finish()
{
	echo
	if ! command -v python3 >/dev/null; then
		echo "0 passed, 1 failed, 0 skipped"
		exit 1
	fi
	# shellcheck disable=SC2086 # a list of names without blanks
	python3 tools/count.py $results
	exit
}

# step NAME COMMAND...: preparation for the tests; its output is printed only if it fails.
step()
{
	name=$1
	shift
	log="$logs/$(echo "$name" | tr -c 'a-z0-9\n' '-').log"
	echo "== $name"
	if "$@" >"$log" 2>&1 </dev/null; then
		return 0
	fi
	tail -n 60 "$log"
	echo "CASE FAIL $name (all of it: $log)" | tee -a "$logs/steps.txt"
	return 1
}

# suites NAME DIR ARGUMENT...: run suites of a build; NAME is the name of meson's log.
suites()
{
	name=$1
	dir=$2
	shift 2
	echo "== $name"
	rm -f "$dir/meson-logs/$name.json" "$dir/meson-logs/$name-again.json"
	meson test -C "$dir" --logbase "$name" --no-rebuild --print-errorlogs "$@" </dev/null >"$logs/$name.log" 2>&1
	status=$?
	grep -vE '^(ninja: |$|Full log written|(Expected Fail|Unexpected Pass|Timeout): +0)' "$logs/$name.log"
	if [ -f "$dir/meson-logs/$name.json" ]; then
		results="$results $dir/meson-logs/$name.json"
	elif [ $status -ne 0 ]; then
		echo "CASE FAIL $name: meson test ended with $status" | tee -a "$logs/steps.txt"
	fi
}

# again NAME: if asked to, run the programs of this suite that failed once more, one at a time.
again()
{
	failed=$(python3 tools/count.py --failed "build/meson-logs/$1.json")
	if [ -n "${WIRESPAN_TEST_AGAIN:-}" ] && [ -n "$failed" ]; then
		before=$results
		# shellcheck disable=SC2086 # names without blanks
		suites "$1-again" build --suite "$1" --num-processes 1 $failed
		results=$before # count.py finds the log beside the first
	fi
}

mkdir -p "$logs"
: >"$logs/steps.txt"
results="$logs/steps.txt"

if [ -n "$(missing_packages)" ]; then
	step "install $(missing_packages | wc -l) packages" install_packages || finish
fi
# shellcheck disable=SC2086 # options
step "build with gcc" build_in build $all_options || finish

selected=
for s in $quick; do
	if wants "$s"; then
		selected="$selected --suite $s"
	fi
done
if [ -n "$selected" ]; then
	# shellcheck disable=SC2086 # options and their values
	suites quick build $selected
fi

if wants sanitizers; then
	# Without -Werror: instrumented code makes gcc warn of bounds that are not exceeded.
	# shellcheck disable=SC2086 # options
	if step "build with sanitizers" build_in build-asan $all_options -Dwerror=false -Db_sanitize=address,undefined; then
		ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
			suites sanitizers build-asan --suite unit --suite fuzz --suite sim --timeout-multiplier 40
	fi
	# The engine's lanes with a thread for each; and once without a lock, which has to be reported.
	# shellcheck disable=SC2086 # options
	if BUILD_TARGET=src/path/lanes_test step "build with ThreadSanitizer" \
		build_in build-tsan $all_options -Dwerror=false -Db_sanitize=thread; then
		suites threads build-tsan path_lanes path_lanes_without_lock
	fi
fi

# The linters run at low priority beside the tests with traffic, as a process group of their own.
lint=
if wants lint; then
	nice -n 19 setsid tools/lint build-clang >"$logs/lint.txt" 2>&1 </dev/null &
	lint=$!
	trap 'kill -- -$lint; exit 1' INT TERM HUP
	results="$results $logs/lint.txt"
fi
# Tests in namespaces mostly wait: a tenth of a CPU is enough for one. A guest keeps one busy.
if wants netns; then
	suites netns build --suite netns --num-processes $((4 * cores))
	again netns
fi
if wants vm; then
	suites vm build --suite vm --num-processes "$cores"
	again vm
fi
if [ -n "$lint" ]; then
	echo "== lint"
	# Only root may raise a priority; for others the linters take longer beside other work.
	renice -n 0 -g "$lint" >/dev/null 2>&1
	wait "$lint"
	cat "$logs/lint.txt"
fi
finish
