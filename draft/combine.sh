#!/usr/bin/env bash
# combine.sh: makes in W/next the branch `draft` = contract-2 with every helper's current files
set -eu
cd W/next
declare -A paths=([rust]="apis/rust" [go]="apis/go" [kotlin]="apis/kotlin" [zig]="apis/zig" [contract]="ALL" [diff]="tests/differential tests/hostile tests/faults tests/stand")
rm -rf /tmp/combined && git worktree prune && git worktree add -q --detach /tmp/combined contract-2
for n in contract diff rust go kotlin zig; do
  src=W/api-$n
  ps="${paths[$n]}"
  if [ "$ps" = ALL ]; then
    # everything that differs from the common base, but the folders of others
    (cd $src && git -c core.quotepath=off diff --name-status --no-renames 1ac5c1c -- . ':!apis/rust' ':!apis/go' ':!apis/kotlin' ':!apis/zig' ; git ls-files --others --exclude-standard | sed 's/^/A\t/') | while IFS=$'\t' read -r st f; do
      case $st in D) rm -f /tmp/combined/$f;; *) [ -e $src/$f ] && mkdir -p /tmp/combined/$(dirname $f) && cp -p $src/$f /tmp/combined/$f;; esac; done
  else
    for p in $ps; do rm -rf /tmp/combined/$p; mkdir -p /tmp/combined/$(dirname $p); (cd $src && { git ls-files -- $p; git ls-files --others --exclude-standard -- $p; }) | while read -r f; do [ -e $src/$f ] && mkdir -p /tmp/combined/$(dirname $f) && cp -p $src/$f /tmp/combined/$f; done; done
    # what else that helper changed
    (cd $src && git diff --name-status --no-renames 1ac5c1c; git ls-files --others --exclude-standard | sed 's/^/A\t/') | grep -v -E "$(echo $ps | sed 's/ /|/g')" | grep -vP '\tapis/contract/CONTRACT.md' || true
  fi
done
cd /tmp/combined && git add -A && git status --short | wc -l
