UPDATE t SET l = {'é€'|NULL|' '}, g = {'啊'|NULL|' '}, s = {'次ソ'|NULL|' '}, c = {'①髙'|NULL|' '} WHERE id = {1..104};
UPDATE t SET u2 = {'漢字'|NULL|' '}, u16 = {'😀'|NULL|'é '}, u32 = {'😀'|NULL|' '}, u3 = {'漢'|NULL|' '} WHERE id = {1..104};
INSERT INTO t VALUES (1000 + {n}, 'é', '啊', 'ソ', '①', '漢', '😀', '😀', '漢');
DELETE FROM t WHERE id = {5..104};
