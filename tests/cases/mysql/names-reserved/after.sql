UPDATE `select ``from`` größe 表.%s` SET `group by` = 1, `schwarz ,;` = 2, `a``b` = 3;
