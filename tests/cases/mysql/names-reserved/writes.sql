UPDATE `select ``from`` größe 表.%s` SET `order` = `order` + 1, `weiß '"` = 3, `%d` = 5 WHERE `primary key` = {1..150};
INSERT INTO `select ``from`` größe 表.%s` VALUES (1000 + {n}, 1, 2, 3, 'b');
DELETE FROM `select ``from`` größe 表.%s` WHERE `primary key` = {1..150};
