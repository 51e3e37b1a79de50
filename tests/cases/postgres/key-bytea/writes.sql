UPDATE t SET v = v + 1 WHERE b IN ('', '\x00', '\x0000', '\x5c', '\x27', '\xff');
UPDATE t SET v = v + 1 WHERE b = decode(md5('{1..150}'), 'hex');
UPDATE t SET b = '\x00' || b WHERE b = decode(md5('{1..150}'), 'hex');
INSERT INTO t VALUES (decode(md5('new {n}'), 'hex'), {n});
DELETE FROM t WHERE b = decode(md5('{1..150}'), 'hex');
