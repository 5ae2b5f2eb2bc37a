# Engines: waits for its supervisor to go, however it goes, and then stops what that one started and left behind.
# Started by engines/supervisor.ts with: the folder of pid files, the supervisor's own random word. Standard
# input is a pipe from the supervisor; its end means the supervisor is dead. Never signals a process whose pid,
# start time and owner do not all agree with a pid file.
folder=$1
owner=$2
trap '' HUP INT TERM

while read -r _; do :; done

start_of() {
  if [ -r "/proc/$1/stat" ]; then
    IFS= read -r line <"/proc/$1/stat" || return 1
    set -- ${line##*) }
    [ "$1" != Z ] || return 1
    shift 19
    echo "$1"
  else
    ps -o lstart= -p "$1" 2>/dev/null | tr -s ' ' '_' | sed 's/^_//; s/_$//'
  fi
}

# Sends signal $1 (or each file's own, for "own") to every process of this owner; says whether any is left.
signal_all() {
  left=1
  for file in "$folder"/*; do
    [ -f "$file" ] || continue
    read -r pid start signal of rest <"$file" || continue
    [ "$of" = "$owner" ] || continue
    if [ "$(start_of "$pid" 2>/dev/null)" != "$start" ]; then
      rm -f "$file"
      continue
    fi
    left=0
    case $1 in
      own) kill -"$signal" "$pid" 2>/dev/null ;;
      none) ;;
      *) kill -"$1" "$pid" 2>/dev/null ;;
    esac
  done
  return $left
}

signal_all own || exit 0
tries=0
while [ $tries -lt 100 ]; do
  sleep 0.1
  signal_all none || exit 0
  tries=$((tries + 1))
done
signal_all KILL
sleep 1
signal_all none
exit 0
