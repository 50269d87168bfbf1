#!/bin/sh
# Runs a private Dovecot 2.3 in the foreground. usage: start.sh STATE_DIRECTORY PORT USERS_FILE
# As root or as any user; what it writes is in STATE_DIRECTORY.
set -eu
state=$1 port=$2 users=$3
here=$(cd "$(dirname "$0")" && pwd)

version=$(dovecot --version)
case $version in
2.3.*) ;;
*)
    # 2.4 has another configuration language.
    echo "dovecot.conf is for Dovecot 2.3; this is $version" >&2
    exit 1
    ;;
esac

DOVECOT_INTERNAL_USER=$(id -un)
DOVECOT_INTERNAL_GROUP=$(id -gn)
DOVECOT_USER=$DOVECOT_INTERNAL_USER
DOVECOT_GROUP=$DOVECOT_INTERNAL_GROUP
if [ "$(id -u)" -eq 0 ]; then
    # Dovecot refuses to let root log in, or read mail.
    DOVECOT_USER=nobody
    DOVECOT_GROUP=$(id -gn nobody)
fi

# The maildrops exist from the start, and belong to the user that reads them.
cut -d: -f1 "$users" | while read -r user; do
    for directory in "$user" "$user/Maildir" "$user/Maildir/cur" "$user/Maildir/new" "$user/Maildir/tmp"; do
        mkdir -m 700 "$state/$directory"
        chown "$DOVECOT_USER:$DOVECOT_GROUP" "$state/$directory"
    done
done

DOVECOT_RUN=$state/run
DOVECOT_PORT=$port
DOVECOT_USERS=$users
DOVECOT_MAIL=$state/%u
export DOVECOT_RUN DOVECOT_PORT DOVECOT_USERS DOVECOT_MAIL
export DOVECOT_INTERNAL_USER DOVECOT_INTERNAL_GROUP DOVECOT_USER DOVECOT_GROUP
exec dovecot -F -c "$here/dovecot.conf"
