#!/bin/sh
# Engines, compose: the roles that the official Postgres image does not make, once, when its data folder is new.
# The owner of our database may make roles and is no superuser; Temporal has databases of its own.
set -eu
psql -v ON_ERROR_STOP=1 --username "${POSTGRES_USER:-postgres}" --dbname postgres \
  -v owner_password="$REHAB_OWNER_PASSWORD" -v temporal_password="$TEMPORAL_DB_PASSWORD" <<'SQL'
CREATE ROLE rehab_owner LOGIN NOSUPERUSER CREATEROLE PASSWORD :'owner_password';
CREATE DATABASE rehab OWNER rehab_owner;
CREATE ROLE temporal LOGIN NOSUPERUSER CREATEDB PASSWORD :'temporal_password';
SQL
