CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE TABLE t (id int PRIMARY KEY, i int[], t text[], k int[][], m mood[], j int[], n numeric[], d date[]);
INSERT INTO t VALUES
  (1, '{}', '{}', '{{1,2},{3,4}}', '{sad,happy}', '{1}', '{1.0,1.00,NaN}', '{infinity}'), (2, '{NULL}', '{NULL,"NULL",""}', '[0:1][-1:0]={{1,2},{3,4}}', '{}', '{}', '{}', '{}'),
  (3, '[5:7]={1,NULL,3}', '{"a\"b\\c","{x,y}"," blank "}', '{{{1}}}', '[-1:0]={ok,NULL}', '{1,2,3}', '{-0.0}', '{0044-03-15 BC}'), (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
-- repeat 200
INSERT INTO t SELECT {n} + 4, i, t, k, m, j, n, d FROM t WHERE id = {1..4};
