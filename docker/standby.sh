# The entrypoint of the standby in docker-compose.scale.yml.
set -eu
# pg_basebackup writes backup_manifest last. Without it the copy is missing or incomplete.
if [ ! -s "$PGDATA/backup_manifest" ]; then
  mkdir -p "$PGDATA"
  find "$PGDATA" -mindepth 1 -delete
  chown postgres: "$PGDATA"
  chmod 700 "$PGDATA"
  gosu postgres pg_basebackup --dbname service=primary --pgdata "$PGDATA" --checkpoint fast --slot standby --write-recovery-conf
fi
exec docker-entrypoint.sh "$@"
