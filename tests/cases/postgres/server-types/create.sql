CREATE TABLE t (id int PRIMARY KEY, o oid, c regclass, y regtype, l pg_lsn, s txid_snapshot, p pg_snapshot, x8 xid8, x4 xid, d tid, f refcursor, path jsonpath, acl aclitem[]);
INSERT INTO t VALUES
  (1, 0, 'pg_class', 'int', '0/0', '10:20:10,14,15', '10:20:10,14,15', '18446744073709551615', '4294967295', '(0,1)', 'cur', '$.a[*]', '{postgres=r/postgres}'),
  (2, 4294967295, '0', 'text[]', 'FFFFFFFF/FFFFFFFF', '1:1:', '1:1:', '0', '0', '(4294967295,65535)', '', 'strict $', '{}'),
  (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- repeat 150
INSERT INTO t SELECT {n} + 3, o, c, y, l, s, p, x8, x4, d, f, path, acl FROM t WHERE id = {1..3};
